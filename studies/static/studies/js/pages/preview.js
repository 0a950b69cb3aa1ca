/** A preview session in a frame, which is as wide as a phone or as the space allows, beside the list of its pages. */
class VisitPreview {
  #root;
  #frame;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#frame = root.querySelector("iframe");
    const begin = root.querySelector("form[data-begin]");
    if (begin instanceof HTMLFormElement) begin.requestSubmit();
    for (const button of root.querySelectorAll("button[data-width]"))
      button.addEventListener("click", () => this.#widen(button.getAttribute("data-width") ?? ""));
    for (const link of root.querySelectorAll("[data-page]")) link.addEventListener("click", () => this.#mark(link));
    for (const field of root.querySelectorAll(".visit__settings select"))
      field.addEventListener("change", () => field.closest("form")?.requestSubmit());
    this.#frame?.addEventListener("load", () => this.#loaded());
    const first = root.querySelector("[data-page]");
    if (first) this.#mark(first);
  }

  /** @param {string} width */
  #widen(width) {
    this.#root.querySelector("[data-part=frame]")?.setAttribute("data-width", width);
    for (const button of this.#root.querySelectorAll("button[data-width]"))
      button.setAttribute("aria-pressed", String(button.getAttribute("data-width") === width));
  }

  /** @param {Element} link */
  #mark(link) {
    for (const other of this.#root.querySelectorAll("[data-page]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "page");
  }

  /** Hides the menu of the page in the frame, which this page shows already, and links to that page on its own. */
  #loaded() {
    const shown = this.#frame?.contentDocument;
    if (!shown) return;
    shown.querySelector(".preview-bar")?.setAttribute("hidden", "");
    const alone = this.#root.querySelector("[data-part=alone]");
    if (alone instanceof HTMLAnchorElement) alone.href = shown.location.href;
  }
}

const root = document.querySelector("[data-visit]");
if (root instanceof HTMLElement) new VisitPreview(root);
