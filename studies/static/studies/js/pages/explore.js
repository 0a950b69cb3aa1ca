import { Explore } from "../explore/explore.js";

const root = /** @type {HTMLElement} */ (document.getElementById("explore"));
const config = JSON.parse(document.getElementById("explore-config")?.textContent ?? "{}");
const csrf = /** @type {HTMLInputElement} */ (root.querySelector("[name=csrfmiddlewaretoken]"));
new Explore(root, config, csrf.value);
