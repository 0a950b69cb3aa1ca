import { DropZone } from "./editor/drop-zone.js";

for (const form of document.querySelectorAll("[data-drop]")) if (form instanceof HTMLFormElement) new DropZone(form);
