// What stands in the fields of a question: as the value that is sent, and as it is put back after a reload.

/** @typedef {HTMLInputElement | HTMLTextAreaElement} Field */
/** @typedef {[name: string, value: string][]} Filled */

/** @param {HTMLElement} question @returns {unknown} see studies/design/questions.py; `null` for no answer */
export function valueOf(question) {
  const key = question.dataset.question ?? "";
  switch (question.dataset.type) {
    case "single_choice": {
      const chosen = ticked(question, key)[0];
      return chosen?.closest("[data-other]") ? { other: text(question, `${key}.other`) } : (chosen?.value ?? null);
    }
    case "multiple_choice":
      return ticked(question, key).map((box) =>
        box.closest("[data-other]") ? { other: text(question, `${key}.other`) } : box.value,
      );
    case "likert": {
      const chosen = ticked(question, key)[0];
      return chosen?.closest(".extra") ? chosen.value : number(chosen?.value);
    }
    case "self_assessment_manikin":
      return number(ticked(question, key)[0]?.value);
    case "visual_analogue":
      return ticked(question, `${key}.extra`)[0]?.value ?? (text(question, key) || null);
    case "semantic_differential":
      return Object.fromEntries(
        fieldsOf(question)
          .filter((field) => field instanceof HTMLInputElement && field.checked)
          .map((field) => [field.name.slice(key.length + 1), Number(field.value)]),
      );
    case "switch": {
      const chosen = ticked(question, key)[0];
      return chosen ? chosen.value === "true" : null;
    }
    case "playback":
      return {
        plays: Number(text(question, `${key}.plays`)),
        listened_sec: Number(text(question, `${key}.listened_sec`)),
      };
    case "preference":
      return ticked(question, key)[0]?.value ?? null;
    default: // a number as it is typed, a text, a day
      return text(question, key) || null;
  }
}

/**
 * The same as conditions see it once it is kept: a number is a number.
 * @param {HTMLElement} question
 */
export function meaningOf(question) {
  const value = valueOf(question);
  const isNumber = ["number", "visual_analogue"].includes(question.dataset.type ?? "") && typeof value === "string";
  if (!isNumber) return value;
  const meant = Number(value.replace(/\s/g, "").replace(",", "."));
  return Number.isNaN(meant) ? value : meant;
}

/** @param {HTMLElement} question @returns {Field[]} */
export function fieldsOf(question) {
  return /** @type {Field[]} */ ([...question.querySelectorAll("input[name], textarea[name]")]);
}

/** Whether something else stands there than came with the page. @param {HTMLElement} question */
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

/** Puts back what `filled` gave. @param {HTMLElement} question @param {Filled} entries */
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

/** @param {HTMLElement} question @param {string} name @returns {HTMLInputElement[]} */
function ticked(question, name) {
  return /** @type {HTMLInputElement[]} */ (
    fieldsOf(question).filter((field) => isBox(field) && field.name === name && field.checked)
  );
}

/** @param {HTMLElement} question @param {string} name */
function text(question, name) {
  return fieldsOf(question).find((field) => field.name === name)?.value.trim() ?? "";
}

/** @param {string | undefined} value */
function number(value) {
  return value === undefined ? null : Number(value);
}
