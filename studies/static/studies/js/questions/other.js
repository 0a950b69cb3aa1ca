/** `<div data-other>`: a choice with a text field that shows once it is chosen; typing in it chooses. */
export class Other {
  #box;
  #words;

  /** @param {HTMLElement} root @param {HTMLElement} question */
  constructor(root, question) {
    this.#box = /** @type {HTMLInputElement} */ (root.querySelector("input[type=radio], input[type=checkbox]"));
    this.#words = /** @type {HTMLInputElement} */ (root.querySelector("input[type=text]"));
    if (this.#words.value !== "") this.#box.checked = true;
    for (const name of ["change", "refill"]) question.addEventListener(name, () => this.#show());
    this.#show();
  }

  #show() {
    this.#words.hidden = !this.#box.checked;
    this.#words.disabled = !this.#box.checked; // what does not show is not sent
  }
}
