import { DeviceCheck } from "../check/check.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("check"));
new DeviceCheck(form, JSON.parse(document.getElementById("check-config")?.textContent ?? "{}"));
