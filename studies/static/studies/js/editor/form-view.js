import { editsBetween, same } from "./edits.js";
import { formEditor } from "./form-editor.js";

/**
 * @typedef {import("./server.js").Problem} Problem
 * @typedef {import("./edits.js").Edit} Edit
 * @typedef {{title: string, keys: string[]}} Section
 */

const IDLE_MS = 450;

/** Shows the draft as a form, one section at a time. It follows the YAML, and reports the edits made in the form. */
export class FormView {
  #root;
  #sections;
  #onEdits;
  /** @type {Record<string, any> | null} */
  #schema = null;
  /** @type {Record<string, any> | null} */
  #document = null;
  /** @type {Problem[]} */
  #problems = [];
  /** @type {any} */
  #editor = null;
  /** The value of the form at its last exchange with the YAML. @type {any} */
  #known = null;
  /** The YAML was changed elsewhere; the form is filled again once its own edits are made. */
  #isStale = false;
  #current = 0;
  /** The section whose form is being built. @type {Section | null} */
  #building = null;
  #timer = 0;
  /** Number of edits that are not in the YAML yet. */
  #underWay = 0;
  /** @type {Promise<void>} */
  #sending = Promise.resolve();

  /** @param {HTMLElement} root @param {Section[]} sections @param {(edits: Edit[]) => Promise<boolean>} onEdits */
  constructor(root, sections, onEdits) {
    this.#root = root;
    this.#sections = sections;
    this.#onEdits = onEdits;
    for (const [index, { title }] of sections.entries()) this.#nav.append(this.#tab(title, index));
    this.#holder.addEventListener("input", ({ target }) => this.#type(target));
  }

  get isPending() {
    return this.#underWay > 0 || (this.#editor !== null && !same(this.#known, this.#editor.getValue()));
  }

  /** @param {import("./server.js").Server} server */
  async load(server) {
    const { schema, names } = await server.schema();
    this.#schema = schema;
    for (const [kind, known] of Object.entries(names)) this.#offer(kind, known);
    await this.#build();
  }

  /**
   * @param {Record<string, any> | null} doc null if the YAML cannot be read; the form then cannot be used
   * @param {Problem[]} problems
   * @param {boolean} isOwn whether the change was made in this form, which then already shows it
   */
  show(doc, problems, isOwn) {
    this.#problems = problems;
    this.#root.dataset.state = doc ? "ready" : "unreadable";
    if (doc) this.#offerKeys(doc);
    this.#isStale ||= Boolean(doc && !isOwn && !same(this.#part(doc), this.#part(this.#document)));
    this.#document = doc ?? this.#document;
    if (this.#schema && doc && (!this.#editor || (this.#isStale && !this.isPending))) this.#fill();
    this.#mark();
  }

  /**
   * Opens the section that contains a path, and scrolls to its field.
   * @param {string} path
   * @param {boolean} goThere whether to focus the field
   */
  async reveal(path, goThere) {
    const key = path.split(/[.[]/)[0] ?? "";
    const index = this.#sections.findIndex(({ keys }) => keys.includes(key));
    if (index < 0) return;
    if (index !== this.#current) await this.#open(index);
    const field = this.#fieldAt(path);
    field?.scrollIntoView({ block: "center" });
    const input = field?.querySelector("input, textarea, select");
    if (input instanceof HTMLElement && goThere) input.focus({ preventScroll: true });
  }

  /** Reports the latest edits at once, and waits until they are made. */
  async flush() {
    clearTimeout(this.#timer);
    if (this.#holder.contains(document.activeElement)) tellChange(document.activeElement);
    this.#send();
    await this.#sending;
  }

  /** @param {number} index */
  async #open(index) {
    await this.flush();
    this.#current = index;
    await this.#build();
  }

  /** Builds the form of the current section. If another section is opened meanwhile, the form is discarded. */
  async #build() {
    const section = this.#section;
    for (const [index, tab] of [...this.#nav.children].entries())
      tab.setAttribute("aria-current", String(index === this.#current));
    this.#editor?.destroy();
    this.#editor = null;
    if (!this.#schema || !this.#document || this.#building === section) return;
    this.#building = section;
    const holder = document.createElement("div");
    const editor = await formEditor(holder, sectionSchema(this.#schema, section.keys));
    this.#building = null;
    if (section !== this.#section) {
      editor.destroy();
      await this.#build();
      return;
    }
    this.#editor = editor;
    this.#fill(); // Filling before the form is shown avoids drawing long lists twice.
    this.#holder.replaceChildren(holder);
    this.#mark();
    editor.on("change", () => this.#touch());
  }

  #fill() {
    if (!this.#editor) return void this.#build();
    this.#isStale = false;
    this.#editor.root.setValue(this.#part(this.#document), true); // Fields that are left out show their defaults.
    this.#known = structuredClone(this.#editor.getValue());
    this.#mark();
  }

  /** Reports a text after a pause in typing; json-editor does so only on blur. @param {EventTarget | null} field */
  #type(field) {
    if (!(field instanceof HTMLTextAreaElement || (field instanceof HTMLInputElement && field.type === "text"))) return;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      tellChange(field);
      this.#send();
    }, IDLE_MS);
  }

  #touch() {
    clearTimeout(this.#timer);
    if (this.isPending) this.#timer = window.setTimeout(() => this.#send(), IDLE_MS);
  }

  #send() {
    if (!this.#editor) return;
    const now = structuredClone(this.#editor.getValue());
    const edits = editsBetween(this.#known, now);
    if (!edits.length) return;
    this.#known = now;
    this.#underWay++;
    this.#sending = this.#sending.then(async () => {
      const isMade = await this.#onEdits(edits);
      this.#underWay--;
      if (!isMade) this.#fill();
    });
  }

  /** Shows each problem at its field, and the number of problems of each section. */
  #mark() {
    for (const told of this.#holder.querySelectorAll(".form-problem")) told.remove();
    for (const { path, message } of this.#problems) {
      const field = this.#fieldAt(path);
      if (!field) continue;
      const told = document.createElement("p");
      told.className = "form-problem";
      told.textContent = message;
      field.append(told);
    }
    for (const [index, { keys }] of this.#sections.entries()) {
      const count = this.#problems.filter(({ path }) => keys.includes(path.split(/[.[]/)[0] ?? "")).length;
      this.#nav.children[index]?.setAttribute("data-problems", String(count || ""));
    }
  }

  /** Returns the innermost field of this section on a path. @param {string} path @returns {HTMLElement | null} */
  #fieldAt(path) {
    const steps = path.split(/[.[\]]+/).filter(Boolean);
    if (!this.#section.keys.includes(steps[0] ?? "")) return null;
    for (let length = steps.length; length > 0; length--) {
      const name = CSS.escape(["root", ...steps.slice(0, length)].join("."));
      const field = this.#holder.querySelector(`[data-schemapath="${name}"]`);
      if (field instanceof HTMLElement) return field;
    }
    return null;
  }

  /** @param {string} title @param {number} index */
  #tab(title, index) {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.textContent = title;
    tab.addEventListener("click", () => void this.#open(index));
    return tab;
  }

  /** Updates the suggested names of prompts, conditions and items. @param {Record<string, any>} doc */
  #offerKeys(doc) {
    const keys = (/** @type {any} */ list) => (Array.isArray(list) ? list.filter((part) => part?.key) : []);
    const named = (/** @type {any[]} */ parts) =>
      Object.fromEntries(parts.map((part) => [part.key, part.title ?? part.label ?? part.text ?? ""]));
    this.#offer("prompts", named(keys(doc.prompts)));
    this.#offer("conditions", named(keys(doc.conditions)));
    this.#offer("items", named(keys(doc.questionnaires).flatMap(({ items }) => keys(items))));
  }

  /** @param {string} kind @param {Record<string, string>} names maps names to labels */
  #offer(kind, names) {
    const list = document.querySelector(`#names-${kind}`);
    list?.replaceChildren(
      ...Object.entries(names).map(([value, label]) => Object.assign(document.createElement("option"), { value, label })),
    );
  }

  /** @param {Record<string, any> | null} doc @returns {Record<string, any>} */
  #part(doc) {
    const keys = this.#section.keys.filter((key) => doc?.[key] !== undefined && doc[key] !== null);
    return Object.fromEntries(keys.map((key) => [key, doc?.[key]]));
  }

  get #section() {
    return /** @type {Section} */ (this.#sections[this.#current]);
  }

  get #nav() {
    return /** @type {HTMLElement} */ (this.#root.querySelector("[data-part=sections]"));
  }

  get #holder() {
    return /** @type {HTMLElement} */ (this.#root.querySelector("[data-part=fields]"));
  }
}

/** @param {Element | null} field */
function tellChange(field) {
  field?.dispatchEvent(new Event("change", { bubbles: true }));
}

/** @param {Record<string, any>} schema @param {string[]} keys */
function sectionSchema(schema, keys) {
  const properties = Object.fromEntries(keys.map((key, index) => [key, { ...schema.properties[key], propertyOrder: index }]));
  const required = (schema.required ?? []).filter((/** @type {string} */ key) => keys.includes(key));
  return { type: "object", title: " ", properties, required, $defs: schema.$defs, additionalProperties: false };
}
