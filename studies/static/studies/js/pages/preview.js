import { VisitPreview } from "./editor/visit-preview.js";

const root = document.querySelector("[data-visit]");
if (root instanceof HTMLElement) new VisitPreview(root);
