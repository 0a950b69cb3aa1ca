import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { LOOK } from "./yaml-view.js";

/** @typedef {import("./server.js").Draft} Draft */

/** Shows two conflicting texts of a draft side by side, until the researcher chooses one. */
export class ConflictView {
  #dialog;
  #onDecide;
  /** @type {MergeView | null} */
  #merge = null;
  /** @type {Draft | null} */
  #theirs = null;

  /** @param {HTMLDialogElement} dialog @param {(text: string, theirs: Draft) => void} onDecide */
  constructor(dialog, onDecide) {
    this.#dialog = dialog;
    this.#onDecide = onDecide;
    this.#button("mine").addEventListener("click", () => this.#decide(this.#merge?.b.state.doc.toString()));
    this.#button("theirs").addEventListener("click", () => this.#decide(this.#theirs?.text));
    dialog.addEventListener("close", () => this.#merge?.destroy());
  }

  /** @param {string} mine @param {Draft} theirs */
  show(mine, theirs) {
    this.#theirs = theirs;
    const who = theirs.by || "Somebody else";
    const said = `${who} saved other changes at ${new Date(theirs.at).toLocaleTimeString()}, after you began yours.`;
    const told = /** @type {HTMLElement} */ (this.#dialog.querySelector("[data-part=who]"));
    told.textContent = said;
    const readOnly = [EditorState.readOnly.of(true), EditorView.editable.of(false)];
    this.#dialog.showModal();
    this.#merge = new MergeView({
      a: { doc: theirs.text, extensions: [LOOK, readOnly, named("The saved text")] },
      b: { doc: mine, extensions: [LOOK, named("Your text, which you can edit")] },
      parent: /** @type {HTMLElement} */ (this.#dialog.querySelector("[data-part=both]")),
      revertControls: "a-to-b",
      collapseUnchanged: { margin: 3 },
    });
  }

  /** @param {string | undefined} text */
  #decide(text) {
    this.#dialog.close();
    if (text !== undefined && this.#theirs) this.#onDecide(text, this.#theirs);
  }

  /** @param {string} name */
  #button(name) {
    return /** @type {HTMLButtonElement} */ (this.#dialog.querySelector(`[data-choose=${name}]`));
  }
}

/** @param {string} label */
function named(label) {
  return EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" });
}
