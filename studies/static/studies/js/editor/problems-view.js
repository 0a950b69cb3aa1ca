/** @typedef {import("./server.js").Problem} Problem */

/** All problems as a list; each goes to its line. */
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
