import { ConflictView } from "./conflict-view.js";
import { FormView } from "./form-view.js";
import { keepBeforeLeaving, Keeper } from "./keeper.js";
import { rewritten } from "./rewriting.js";
import { Refused, Server } from "./server.js";
import { showState } from "./state-line.js";
import { YamlView } from "./yaml-view.js";

/** @typedef {import("./server.js").Draft} Draft @typedef {import("./server.js").Report} Report */
/** @typedef {{title: string, keys: string[]}} Section */

const VIEW_KEY = "study-editor-view";

/** Shows one draft as a form and as YAML. The YAML is authoritative; the form changes it through the server. */
export class StudyEditor {
  #root;
  #server;
  #yaml;
  #form;
  #problems;
  #keeper;
  #conflict;
  /** The form has just changed the text, so it already shows what the next report will say. */
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
      const isOfForm = root.dataset.view === "form";
      if (isOfForm && problem.path.startsWith("translations.")) return void this.#toTranslation(problem.path);
      void this.#form.reveal(problem.path, isOfForm);
      if (!isOfForm) this.#yaml.goTo(problem.line, problem.column);
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
    keepBeforeLeaving(
      () => this.#keeper.isKept && !this.#form.isPending,
      () => this.#do("save"),
    );
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

  /** Opens the translation page of the language that a problem is about. @param {string} path */
  async #toTranslation(path) {
    const [, language = "", ...text] = path.split(".");
    await this.#do("save");
    location.assign(`${this.#root.dataset.translate}?language=${encodeURIComponent(language)}#${text.join(".")}`);
  }

  /** @param {string} view form, yaml or both */
  #look(view) {
    this.#root.dataset.view = view;
    localStorage.setItem(VIEW_KEY, view);
    for (const button of this.#root.querySelectorAll("[data-show]"))
      button.setAttribute("aria-pressed", String(button.getAttribute("data-show") === view));
  }

  /**
   * Replaces the text of the draft by that of an older version. Undo restores it.
   * @param {{number: number, text: string}} version
   */
  #restore({ number, text }) {
    history.replaceState(null, "", location.pathname);
    if (text === this.#yaml.text) return;
    this.#yaml.replace(text);
    const told = this.#part("restored");
    told.textContent = `Version ${number} is now the draft. Undo restores the previous draft.`;
    told.hidden = false;
  }

  /** @param {import("./edits.js").Edit[]} edits */
  async #rewrite(edits) {
    try {
      const trouble = (/** @type {string} */ told) => this.#showState("failed", told);
      const text = await rewritten(this.#server, () => this.#yaml.text, edits, trouble);
      this.#fromForm = true;
      this.#yaml.replace(text);
      return true;
    } catch (error) {
      if (error instanceof Refused) return false;
      throw error;
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

  /** @param {import("./state-line.js").State} state @param {string} [told] */
  #showState(state, told) {
    showState(this.#part("state"), state, told);
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(`[data-part=${name}]`));
  }
}

/** @typedef {import("./server.js").Problem} Problem */

/** Lists all problems. Choosing one leads to its place. */
export class ProblemsView {
  #list;
  #summary;
  #onChoose;

  /** @param {HTMLElement} root @param {(problem: Problem) => void} onChoose */
  constructor(root, onChoose) {
    this.#summary = /** @type {HTMLElement} */ (root.querySelector("[data-part=summary]"));
    this.#list = /** @type {HTMLElement} */ (root.querySelector("[data-part=list]"));
    this.#onChoose = onChoose;
  }

  /** @param {Problem[]} problems */
  show(problems) {
    const errors = problems.filter(({ kind }) => kind === "error").length;
    const obstacles = problems.length - errors;
    this.#summary.textContent = told(errors, obstacles);
    this.#summary.dataset.state = errors ? "error" : obstacles ? "obstacle" : "valid";
    this.#list.replaceChildren(...problems.map((problem) => this.#item(problem)));
    this.#list.hidden = problems.length === 0;
  }

  /** @param {Problem} problem */
  #item(problem) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const line = document.createElement("span");
    const path = document.createElement("code");
    button.type = "button";
    button.className = `problem problem--${problem.kind}`;
    line.className = "problem__line";
    line.textContent = `Line ${problem.line}`;
    path.textContent = problem.path;
    button.append(line, path, ` ${problem.message}`);
    button.addEventListener("click", () => this.#onChoose(problem));
    item.append(button);
    return item;
  }
}

/** @param {number} errors @param {number} obstacles */
function told(errors, obstacles) {
  if (errors) return `${errors} problem${errors === 1 ? "" : "s"} to mend before this can be published`;
  if (obstacles) return `Valid, but ${obstacles === 1 ? "one thing keeps" : `${obstacles} things keep`} it from being published`;
  return "Valid: this can be published";
}
