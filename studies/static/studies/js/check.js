import { DeviceCheck } from "./check/check.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("check"));
const { capture } = JSON.parse(document.getElementById("check-config")?.textContent ?? "{}");
new DeviceCheck(form, capture);
