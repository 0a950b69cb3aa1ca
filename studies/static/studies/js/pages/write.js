import { StudyEditor } from "../editor/study-editor.js";

const root = document.querySelector("[data-editor]");
const start = document.querySelector("#editor-start");
if (root instanceof HTMLElement && start) new StudyEditor(root, JSON.parse(start.textContent ?? ""));
