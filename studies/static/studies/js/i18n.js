// Translates what scripts say to participants. English stands in the source; the page embeds the catalogue of any
// other language (#js-catalogue, see studies/participant/language.py). Workers and tests have no page: they say English.

/** @typedef {{language: string, messages: Record<string, string | string[]>}} Catalogue */

const PLURAL_ORDER = /** @type {const} */ (["zero", "one", "two", "few", "many", "other"]);

/** @type {Catalogue | null} */
let catalogue = typeof document === "undefined" ? null : readCatalogue(document.getElementById("js-catalogue"));

/** @param {Element | null} element
 *  @returns {Catalogue | null} */
function readCatalogue(element) {
  return element?.textContent ? JSON.parse(element.textContent) : null;
}

/** What `translate` speaks from, to be handed on to a Worker. */
export function currentCatalogue() {
  return catalogue;
}

/** Speaks from another catalogue than the page's; `null` for English.
 *  @param {Catalogue | null} other */
export function useCatalogue(other) {
  catalogue = other;
}

/** The language that `translate` speaks, for `Intl` and `toLocaleString`. */
export function language() {
  return catalogue?.language ?? "en-GB";
}

/** `text` in the page's language, each `%(name)s` replaced by `values.name`. `text` must be written out as a string, so
 *  that the catalogue's test finds it.
 *  @param {string} text
 *  @param {Record<string, string | number>} [values] */
export function translate(text, values = {}) {
  const found = catalogue?.messages[text];
  return fill(typeof found === "string" && found ? found : text, values);
}

/** The form for `n` of a text that counts; `%(n)s` stands for the number.
 *  @param {string} one
 *  @param {string} many
 *  @param {number} n
 *  @param {Record<string, string | number>} [values] */
export function translatePlural(one, many, n, values = {}) {
  const forms = catalogue?.messages[one];
  const english = n === 1 ? one : many;
  return fill((Array.isArray(forms) && forms[pluralForm(n, forms.length)]) || english, { n, ...values });
}

// gettext numbers a language's forms in the order of Unicode's categories
/** @param {number} n
 *  @param {number} count */
function pluralForm(n, count) {
  const rules = new Intl.PluralRules(language());
  const categories = PLURAL_ORDER.filter((name) => rules.resolvedOptions().pluralCategories.includes(name));
  return Math.min(categories.indexOf(rules.select(n)), count - 1);
}

/** @param {string} text
 *  @param {Record<string, string | number>} values */
function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (placeholder, name) => String(values[name] ?? placeholder));
}
