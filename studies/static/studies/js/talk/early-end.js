const SOUNDING_DB = -50; // The machine is heard from this level on.

/** Asks once in a talk whether to end it before there was an answer: a `<dialog>` with two buttons. */
export class EarlyEnd {
  onEnd = () => {}; // The talk is to end.
  #dialog;
  #wasAnswered = false; // The machine was heard, or said in words what it answers.
  #wasAsked = false;

  /** @param {HTMLDialogElement} dialog @param {HTMLElement} wait @param {HTMLElement} end buttons in it */
  constructor(dialog, wait, end) {
    this.#dialog = dialog;
    wait.addEventListener("click", () => this.close());
    end.addEventListener("click", () => {
      this.close();
      this.onEnd();
    });
  }

  /** Must be called when a talk begins. */
  reset() {
    this.#wasAnswered = this.#wasAsked = false;
  }

  /** Notes what was heard of the machine. @param {import("../audio/level-gauge.js").Level} level */
  heard({ peakDb }) {
    if (peakDb > SOUNDING_DB) this.#wasAnswered = true;
  }

  /**
   * @param {string} event @param {any} data as checked by the wire
   * @returns {boolean} whether the event is, or begins, an answer of the machine
   */
  happened(event, data) {
    const isAnswer = event === "words" || data.role === "agent" || data.state === "speaking";
    if (isAnswer) this.#wasAnswered = true;
    return isAnswer;
  }

  /** Ends the talk, at once or when that was confirmed. */
  end() {
    const asks = !this.#wasAnswered && !this.#wasAsked;
    this.#wasAsked = true;
    if (asks) this.#dialog.showModal();
    else this.onEnd();
  }

  close() {
    this.#dialog.close();
  }
}
