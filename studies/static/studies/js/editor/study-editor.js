import { ConflictView } from "./conflict-view.js";
import { FormView } from "./form-view.js";
import { Keeper } from "./keeper.js";
import { ProblemsView } from "./problems-view.js";
import { Server } from "./server.js";
import { YamlView } from "./yaml-view.js";

/** @typedef {import("./server.js").Draft} Draft @typedef {import("./server.js").Report} Report */
/** @typedef {{title: string, keys: string[]}} Section */

const STATES = {
  kept: "Saved",
  changed: "Not saved yet",
  sending: "Saving …",
  failed: "Not saved",
  conflict: "Not saved: somebody else wrote too",
};
const VIEW_KEY = "study-editor-view";

/** One draft, seen as a form and as YAML. The YAML is what counts; the form changes it by way of the server. */
export class StudyEditor {
  #root;
  #server;
  #yaml;
  #form;
  #problems;
  #keeper;
  #conflict;
  /** The form has just written the text, and shows already what the report will say. */
  #fromForm = false;

  /** @param {HTMLElement} root @param {Draft & {sections: Section[], restored: {number: number, text: string} | null}} start */
  constructor(root, start) {
    this.#root = root;
    this.#server = new Server(root.dataset, root.dataset.csrf ?? "");
    this.#yaml = new YamlView(this.#part("yaml"), start.text, {
      onChange: () => this.#keeper.touch(),
      onSave: () => void this.#keeper.keep(),
    });
    this.#form = new FormView(this.#part("form"), start.sections, (edits) => this.#rewrite(edits));
    this.#problems = new ProblemsView(this.#part("problems"), (problem) => {
      void this.#form.reveal(problem.path, root.dataset.view === "form");
      if (root.dataset.view !== "form") this.#yaml.goTo(problem.line, problem.column);
    });
    this.#keeper = new Keeper(this.#server, start, () => this.#yaml.text, {
      onState: (state, told) => this.#showState(state, told),
      onReport: (report) => this.#showReport(report),
      onConflict: (theirs) => this.#conflict.show(this.#yaml.text, theirs),
    });
    this.#conflict = new ConflictView(/** @type {HTMLDialogElement} */ (this.#part("conflict")), (text, theirs) => {
      this.#yaml.replace(text);
      void this.#keeper.resolve(theirs);
    });
    this.#showReport(start.report);
    this.#showState("kept", start.at);
    this.#listen();
    void this.#form.load(this.#server).then(() => start.restored && this.#restore(start.restored));
  }

  #listen() {
    for (const button of this.#root.querySelectorAll("[data-do]"))
      button.addEventListener("click", () => this.#do(button.getAttribute("data-do") ?? ""));
    for (const button of this.#root.querySelectorAll("[data-show]"))
      button.addEventListener("click", () => this.#look(button.getAttribute("data-show") ?? "both"));
    this.#look(localStorage.getItem(VIEW_KEY) ?? "both");
    window.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
      event.preventDefault();
      this.#do("save");
    });
    window.addEventListener("beforeunload", (event) => {
      if (!this.#keeper.isKept || this.#form.isPending) event.preventDefault();
    });
    for (const link of document.querySelectorAll("[data-leaves]"))
      link.addEventListener("click", (event) => this.#leave(event, /** @type {HTMLAnchorElement} */ (link)));
  }

  /** To another page of the study, with everything kept first. @param {Event} event @param {HTMLAnchorElement} link */
  async #leave(event, link) {
    if (this.#keeper.isKept && !this.#form.isPending) return;
    event.preventDefault();
    await this.#do("save");
    if (this.#keeper.isKept) location.href = link.href;
  }

  /** @param {string} what */
  async #do(what) {
    if (what === "undo") this.#yaml.undo();
    else if (what === "redo") this.#yaml.redo();
    else {
      await this.#form.flush();
      await this.#keeper.keep();
    }
  }

  /** @param {string} view form, yaml or both */
  #look(view) {
    this.#root.dataset.view = view;
    localStorage.setItem(VIEW_KEY, view);
    for (const button of this.#root.querySelectorAll("[data-show]"))
      button.setAttribute("aria-pressed", String(button.getAttribute("data-show") === view));
  }

  /** Puts an older version in the draft's place; Undo brings the draft back. @param {{number: number, text: string}} version */
  #restore({ number, text }) {
    history.replaceState(null, "", location.pathname);
    if (text === this.#yaml.text) return;
    this.#yaml.replace(text);
    const told = this.#part("restored");
    told.textContent = `Version ${number} stands here now. Undo brings back the draft that was here before.`;
    told.hidden = false;
  }

  /** @param {import("./edits.js").Edit[]} edits */
  async #rewrite(edits) {
    try {
      const text = await this.#server.rewrite(this.#yaml.text, edits);
      this.#fromForm = true;
      this.#yaml.replace(text);
      return true;
    } catch (error) {
      this.#showState("failed", error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /** @param {Report} report */
  #showReport(report) {
    this.#yaml.show(report.problems);
    this.#problems.show(report.problems);
    this.#form.show(report.document, report.problems, this.#fromForm);
    this.#fromForm = false;
    document.documentElement.dataset.draft = report.valid ? "valid" : "invalid";
  }

  /** @param {keyof typeof STATES} state @param {string} [told] when it was kept, or why it was not */
  #showState(state, told) {
    const shown = this.#part("state");
    shown.dataset.state = state;
    const time = state === "kept" && told ? ` at ${new Date(told).toLocaleTimeString([], { timeStyle: "short" })}` : "";
    const why = state === "failed" && told ? `: ${told}` : "";
    shown.textContent = `${STATES[state]}${time}${why}`;
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(`[data-part=${name}]`));
  }
}
