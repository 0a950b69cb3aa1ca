import { defaultKeymap, history, historyKeymap, indentWithTab, redo, undo } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

/** @typedef {import("./server.js").Problem} Problem */

/** Extensions that determine how YAML looks, here and in comparisons of two texts. */
export const LOOK = [
  lineNumbers(),
  yaml(),
  indentUnit.of("  "),
  syntaxHighlighting(classHighlighter),
  EditorView.lineWrapping,
];

/** Shows the draft as text with an undo history, and the problems at their lines. */
export class YamlView {
  #view;

  /**
   * @param {HTMLElement} parent
   * @param {string} text
   * @param {{onChange: () => void, onSave: () => void}} listener
   */
  constructor(parent, text, { onChange, onSave }) {
    const save = () => (onSave(), true);
    this.#view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          LOOK,
          highlightActiveLineGutter(),
          highlightActiveLine(),
          foldGutter(),
          history(),
          drawSelection(),
          bracketMatching(),
          highlightSelectionMatches(),
          lintGutter(),
          keymap.of([
            { key: "Mod-s", run: save, preventDefault: true },
            indentWithTab,
            ...defaultKeymap,
            ...searchKeymap,
            ...historyKeymap,
            ...foldKeymap,
            ...lintKeymap,
          ]),
          EditorView.contentAttributes.of({ "aria-label": "Protocol as YAML", spellcheck: "false", tabindex: "0" }),
          EditorView.updateListener.of((update) => update.docChanged && onChange()),
        ],
      }),
    });
  }

  get text() {
    return this.#view.state.doc.toString();
  }

  /** Replaces only the part that differs, so that the cursor, folds and history stay. @param {string} text */
  replace(text) {
    const now = this.text;
    if (now === text) return;
    const most = Math.min(now.length, text.length);
    let from = 0;
    while (from < most && now[from] === text[from]) from++;
    let tail = 0;
    while (tail < most - from && now[now.length - 1 - tail] === text[text.length - 1 - tail]) tail++;
    const insert = text.slice(from, text.length - tail);
    this.#view.dispatch({ changes: { from, to: now.length - tail, insert }, userEvent: "input.form" });
  }

  /** @param {Problem[]} problems */
  show(problems) {
    const { doc } = this.#view.state;
    const diagnostics = problems.map(({ path, message, line, column, kind }) => {
      const { from, to, text } = doc.line(Math.min(line, doc.lines));
      const start = Math.min(from + column - 1, to);
      const end = Math.max(start, from + text.trimEnd().length);
      const severity = /** @type {"error" | "warning"} */ (kind === "error" ? "error" : "warning");
      return { from: start, to: end, severity, message: path ? `${path} ${message}` : message };
    });
    diagnostics.sort((one, other) => one.from - other.from);
    this.#view.dispatch(setDiagnostics(this.#view.state, diagnostics));
  }

  /** Moves the cursor to a place. @param {number} line from 1 @param {number} column from 1 */
  goTo(line, column) {
    const { doc } = this.#view.state;
    const { from, to } = doc.line(Math.min(line, doc.lines));
    const anchor = Math.min(from + column - 1, to);
    this.#view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
    this.#view.focus();
  }

  /** @returns {boolean} whether there was anything to undo */
  undo() {
    return undo(this.#view);
  }

  /** @returns {boolean} */
  redo() {
    return redo(this.#view);
  }
}
