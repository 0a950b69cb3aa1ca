// Decides which items are hidden by earlier answers. This is the twin of studies/design/questions.py and is tested
// against the same cases (tests/data/conditions.json).

/**
 * @typedef {string | number | boolean} Value
 * @typedef {object} Rule
 * @property {string} item or `item.row`
 * @property {Value} [equals]
 * @property {Value[]} [one_of]
 * @property {Value[]} [none_of]
 * @property {number} [at_least]
 * @property {number} [at_most]
 * @property {boolean} [answered]
 * @typedef {{all?: Rule[], any?: Rule[]}} When
 * @typedef {Record<string, unknown>} Answers maps items to values
 */

const OTHER = "other";

/** @param {When} when @param {Answers} answers */
export function isTrue({ all = [], any = [] }, answers) {
  return all.every((rule) => holds(rule, answers)) && (!any.length || any.some((rule) => holds(rule, answers)));
}

/**
 * Returns the items of a page that are shown. For items that depend on a hidden one, it counts as not answered.
 * @param {string[]} items @param {Record<string, When>} conditions @param {Answers} answers
 * @returns {Set<string>}
 */
export function visible(items, conditions, answers) {
  const page = new Set(items);
  const shown = /** @type {Map<string, boolean>} */ (new Map());
  /** @param {string} key @returns {boolean} */
  const isShown = (key) => {
    const known = shown.get(key);
    if (known !== undefined) return known;
    shown.set(key, true); // An item that depends on itself is shown. No valid study has one.
    const when = conditions[key] ?? {};
    const hidden = itemsOf(when).filter((other) => page.has(other) && !isShown(other));
    const left = Object.fromEntries(Object.entries(answers).filter(([item]) => !hidden.includes(item)));
    shown.set(key, isTrue(when, left));
    return shown.get(key) === true;
  };
  return new Set(items.filter(isShown));
}

/** @param {When} when */
function itemsOf({ all = [], any = [] }) {
  return [...all, ...any].map(({ item }) => item.split(".")[0]);
}

/** @param {Rule} rule @param {Answers} answers */
function holds(rule, answers) {
  const { answered, values } = given(rule.item, answers);
  if (rule.answered === false) return !answered;
  const { equals, one_of, none_of, at_least, at_most } = rule;
  if (!answered) {
    const others = [equals, one_of, at_least, at_most, rule.answered];
    return none_of !== undefined && others.every((part) => part === undefined);
  }
  const numbers = values.filter((value) => typeof value === "number");
  return (
    (equals === undefined || among(values, [equals])) &&
    (one_of === undefined || among(values, one_of)) &&
    (none_of === undefined || !among(values, none_of)) &&
    (at_least === undefined || numbers.some((value) => value >= at_least)) &&
    (at_most === undefined || numbers.some((value) => value <= at_most))
  );
}

/** Texts in their composed form: keyboards differ in how they write å. @param {unknown[]} values @param {Value[]} wanted */
function among(values, wanted) {
  const composed = wanted.map(inComposedForm);
  return values.some((value) => composed.includes(inComposedForm(value)));
}

/** @param {unknown} value */
function inComposedForm(value) {
  return typeof value === "string" ? value.normalize("NFC") : value;
}

/** @param {string} name @param {Answers} answers */
function given(name, answers) {
  const [key, row] = name.split(".");
  let value = answers[key];
  if (row !== undefined) value = isRecord(value) ? value[row] : undefined;
  if (!isAnswered(value)) return { answered: false, values: [] };
  const parts = Array.isArray(value) ? value : [value];
  const values = parts.filter((part) => !isRecord(part));
  if (parts.some((part) => isRecord(part) && OTHER in part)) values.push(OTHER);
  return { answered: true, values };
}

/** @param {unknown} value */
export function isAnswered(value) {
  if (value === null || value === undefined || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
