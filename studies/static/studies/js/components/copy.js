// Buttons with data-copy copy this text to the clipboard and confirm it.

import { translate } from "../i18n.js";

const SAID_MS = 2_000;

/** @param {HTMLButtonElement} button */
async function copy(button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy ?? "");
    button.textContent = translate("Copied");
  } catch {
    button.textContent = translate("Please copy it manually"); // There is no permission, or the page is not secure.
  }
  setTimeout(() => (button.textContent = before), SAID_MS);
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (button instanceof HTMLButtonElement) button.addEventListener("click", () => copy(button));
}
