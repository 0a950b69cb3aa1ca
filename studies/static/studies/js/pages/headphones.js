import { HeadphoneTest } from "../headphones/headphones.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("headphones"));
new HeadphoneTest(form, JSON.parse(document.getElementById("headphones-config")?.textContent ?? "{}"));
