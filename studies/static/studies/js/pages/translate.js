import { TranslationPage } from "../editor/translation-page.js";

const root = document.querySelector("[data-translation]");
const start = document.querySelector("#editor-start");
if (root instanceof HTMLElement && start) new TranslationPage(root, JSON.parse(start.textContent ?? ""));
