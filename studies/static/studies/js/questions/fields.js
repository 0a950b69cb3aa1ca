// Reads the fields of a question as the value that is sent, and as the entries that are restored after a reload.

/** @typedef {HTMLInputElement | HTMLTextAreaElement} Field */
/** @typedef {[name: string, value: string][]} Filled */

/**
 * Returns the answer in the fields of a question. Their names determine their meaning: the key of the question is the
 * answer itself, `key.extra` an answer beside a scale, `key.other` an answer in the participant's own words, and within
 * `[data-parts]`, `key.part` is one part of several.
 * @param {HTMLElement} question @returns {unknown} `null` for no answer
 */
export function valueOf(question) {
  const key = question.dataset.question ?? "";
  const given = fieldsOf(question).filter((field) => !isBox(field) || field.checked);
  if (question.querySelector("[data-parts]"))
    return Object.fromEntries(given.map((field) => [field.name.slice(key.length + 1), said(field)]));
  const words = given.find((field) => field.name === `${key}.other`)?.value.trim() ?? "";
  const values = given
    .filter((field) => field.name !== `${key}.other`)
    .map((field) => (field.closest("[data-other]") ? { other: words } : said(field)))
    .filter((value) => value !== "");
  return question.querySelector("input[type=checkbox]") ? values : (values[0] ?? null);
}

/**
 * Returns the answer as conditions see it after it was stored: numbers are not text.
 * @param {HTMLElement} question
 */
export function meaningOf(question) {
  const value = valueOf(question);
  const field = question.querySelector("[data-number]");
  if (typeof value !== "string" || !(field instanceof HTMLElement)) return value;
  return writtenNumber(value, field.dataset.number ?? "") ?? value;
}

/**
 * What a number means that somebody wrote, as the server reads it (studies/questions/reading.py).
 * @param {string} written @param {string} decimalSign of the page's language; "" where whole numbers are asked for
 * @returns {number | null} `null` for no number, and for one that can be read in two ways
 */
export function writtenNumber(written, decimalSign) {
  const numeral = written
    .trim()
    .replace("−", "-")
    .replace(/(?<!\d)\d{1,3}(?:\s\d{3})+(?!\d)/, (found) => found.replace(/\s/g, ""));
  const unclear = /^[+-]?[1-9]\d{0,2}([.,])\d{3}$/.exec(numeral);
  if (unclear && unclear[1] !== decimalSign) return null;
  const plain = numeral.replaceAll(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(plain) ? Number(plain) : null;
}

/** @param {Field} field @returns {unknown} */
function said(field) {
  return "json" in field.dataset ? JSON.parse(field.value) : field.value.trim();
}

/** @param {HTMLElement} question @returns {Field[]} */
export function fieldsOf(question) {
  return /** @type {Field[]} */ ([...question.querySelectorAll("input[name], textarea[name]")]);
}

/** Whether the fields differ from what came with the page. @param {HTMLElement} question */
export function isChanged(question) {
  return fieldsOf(question).some((field) =>
    isBox(field) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue,
  );
}

/** @param {HTMLElement} question @returns {Filled} */
export function filled(question) {
  return fieldsOf(question)
    .filter((field) => !isBox(field) || field.checked)
    .map((field) => [field.name, field.value]);
}

/** Restores what `filled` returned. @param {HTMLElement} question @param {Filled} entries */
export function refill(question, entries) {
  for (const field of fieldsOf(question)) {
    const values = entries.filter(([name]) => name === field.name).map(([, value]) => value);
    if (isBox(field)) field.checked = values.includes(field.value);
    else field.value = values[0] ?? "";
    field.dispatchEvent(new Event("refill", { bubbles: true }));
  }
}

/** @param {Field} field @returns {field is HTMLInputElement} */
function isBox(field) {
  return field instanceof HTMLInputElement && ["radio", "checkbox"].includes(field.type);
}
