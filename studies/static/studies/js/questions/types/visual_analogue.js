import { translate } from "../../i18n.js";
import { element } from "../../players/elements.js";

const MIDDLE = "50";
const STEP = "0.5";

/**
 * `<div data-analogue>`: a line without a mark. The first click, touch or key on it sets one, which can be taken back.
 * The text field of the page is hidden and holds the answer. Changes dispatch `input` and `change` at it.
 */
class VisualAnalogue {
  #field;
  #extras;
  #line = /** @type {HTMLInputElement} */ (document.createElement("input"));
  #reset = element("button", "button button--quiet button--small analogue__reset", translate("Clear the answer"));

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#field = /** @type {HTMLInputElement} */ (root.querySelector("input[type=text]"));
    this.#extras = /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll("[data-extras] input")]);
    this.#build(root);
    this.#line.addEventListener("input", () => this.#set());
    this.#line.addEventListener("change", () => this.#say());
    this.#line.addEventListener("pointerup", () => this.#mark()); // A click on the middle causes no `input`.
    this.#line.addEventListener("keydown", (event) => this.#key(event));
    this.#reset.addEventListener("click", () => this.#takeBack());
    for (const extra of this.#extras) extra.addEventListener("change", () => this.#empty());
    this.#field.addEventListener("refill", () => this.#show());
    this.#show();
  }

  /** @param {HTMLElement} root */
  #build(root) {
    const { low = "", high = "" } = root.dataset;
    const line = this.#line;
    Object.assign(line, { type: "range", min: "0", max: "100", step: STEP, id: this.#field.id });
    line.className = "analogue__line";
    for (const name of ["aria-describedby", "data-validity"]) {
      const value = this.#field.getAttribute(name);
      if (value !== null) line.setAttribute(name, value);
    }
    this.#reset.type = "button";
    this.#field.removeAttribute("id");
    this.#field.type = "hidden";
    const row = element("div", "analogue__row");
    row.append(element("span", "analogue__pole", low), line, element("span", "analogue__pole analogue__pole--high", high));
    root.prepend(row);
    row.after(this.#reset);
  }

  get #isSet() {
    return this.#field.value !== "";
  }

  #show() {
    const value = this.#field.value;
    this.#line.value = value === "" ? MIDDLE : value.replace(",", ".");
    this.#line.toggleAttribute("data-unset", value === "");
    this.#line.style.setProperty("--at", `${this.#line.value}%`);
    this.#line.setAttribute("aria-valuetext", value === "" ? translate("not answered") : this.#said());
    this.#reset.hidden = value === "";
  }

  /** Describes the place of the mark by the words at the ends, because the page shows no number. */
  #said() {
    const [low, high] = this.#line.parentElement?.querySelectorAll(".analogue__pole") ?? [];
    const words = { place: this.#line.value, low: low?.textContent ?? "", high: high?.textContent ?? "" };
    return translate("%(place)s, where 0 is %(low)s and 100 is %(high)s", words);
  }

  #set() {
    this.#field.value = this.#line.value;
    for (const extra of this.#extras) extra.checked = false;
    this.#show();
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #mark() {
    if (this.#isSet) return;
    this.#set();
    this.#say();
  }

  #say() {
    this.#field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** Space and Enter set the mark at the middle. @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    this.#mark();
  }

  #takeBack() {
    this.#empty();
    this.#say();
    this.#line.focus();
  }

  #empty() {
    this.#field.value = "";
    this.#show();
  }
}

for (const root of document.querySelectorAll("[data-analogue]"))
  if (root instanceof HTMLElement) new VisualAnalogue(root);
