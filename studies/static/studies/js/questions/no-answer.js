/**
 * Boxes `<input type="checkbox" data-no-answer="side">` with which participants say that the machine gave no answer in a
 * talk; the side is empty on a page about one talk. What is ticked is saved as it is given, and questions may stay open.
 */
export class NoAnswer {
  #boxes;
  #notice;

  /** @param {HTMLFormElement} form of the page's questions */
  constructor(form) {
    this.#boxes = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[data-no-answer]")]);
    this.#notice = /** @type {HTMLElement | null} */ (form.querySelector("[data-not-judged]"));
    for (const box of this.#boxes)
      box.addEventListener("change", () => {
        const detail = { item: "no_answer", side: box.dataset.noAnswer, value: box.checked };
        form.dispatchEvent(new CustomEvent("keep", { detail }));
        this.#show();
      });
  }

  #show() {
    if (this.#notice !== null) this.#notice.hidden = !this.#boxes.some((box) => box.checked);
  }
}
