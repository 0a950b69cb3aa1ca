/** A form with a file field that also accepts a file dropped anywhere on it. */
class DropZone {
  #form;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    // Without this mark, the admin's script expects a text field of its own beside every file field.
    for (const field of form.querySelectorAll("input[type=file]")) Reflect.set(field, "hasChangeListener", true);
    form.addEventListener("dragover", (event) => this.#over(event, true));
    form.addEventListener("dragleave", (event) => this.#over(event, false));
    form.addEventListener("drop", (event) => this.#drop(event));
  }

  /** @param {DragEvent} event @param {boolean} isOver */
  #over(event, isOver) {
    event.preventDefault();
    this.#form.toggleAttribute("data-over", isOver);
  }

  /** @param {DragEvent} event */
  #drop(event) {
    this.#over(event, false);
    const field = this.#form.querySelector("input[type=file]");
    const files = event.dataTransfer?.files;
    if (!(field instanceof HTMLInputElement) || !files?.length) return;
    field.files = files;
    this.#form.requestSubmit();
  }
}

for (const form of document.querySelectorAll("[data-drop]")) if (form instanceof HTMLFormElement) new DropZone(form);
