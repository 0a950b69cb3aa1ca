import { Talk } from "../talk/talk.js";

const root = /** @type {HTMLElement} */ (document.getElementById("talk"));
const config = JSON.parse(document.getElementById("talk-config")?.textContent ?? "{}");
const csrf = /** @type {HTMLInputElement} */ (root.querySelector("[name=csrfmiddlewaretoken]"));
new Talk(root, config, csrf.value);
