import { FreeVoice } from "../free-voice/free-voice.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("free-voice"));
new FreeVoice(form, JSON.parse(document.getElementById("voice-config")?.textContent ?? "{}"));
