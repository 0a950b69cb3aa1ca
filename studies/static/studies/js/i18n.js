// Translates what scripts say to participants. The source has the English texts; the page embeds the catalogue of any
// other language (#js-catalogue, see studies/participant/language.py). Without a page, as in Workers and tests, texts
// are in English unless `useCatalogue` was called.

/** @typedef {{language: string, messages: Record<string, string | string[]>}} Catalogue */

const PLURAL_ORDER = /** @type {const} */ (["zero", "one", "two", "few", "many", "other"]);

/** @type {Catalogue | null} */
let catalogue = typeof document === "undefined" ? null : readCatalogue(document.getElementById("js-catalogue"));

/** @param {Element | null} element
 *  @returns {Catalogue | null} */
function readCatalogue(element) {
  return element?.textContent ? JSON.parse(element.textContent) : null;
}

/** Returns the catalogue in use, which can be passed to a Worker. */
export function currentCatalogue() {
  return catalogue;
}

/** Sets the catalogue to use instead of the page's; `null` for English.
 *  @param {Catalogue | null} other */
export function useCatalogue(other) {
  catalogue = other;
}

/** Returns the language of `translate`, for `Intl` and `toLocaleString`. */
export function language() {
  return catalogue?.language ?? "en-GB";
}

/** Returns `text` in the page's language, with each `%(name)s` replaced by `values.name`. `text` must be a string
 *  literal, so that the catalogue's test finds it.
 *  @param {string} text
 *  @param {Record<string, string | number>} [values] */
export function translate(text, values = {}) {
  const found = catalogue?.messages[text];
  return fill(typeof found === "string" && found ? found : text, values);
}

/** Returns the plural form of a text for `n`, with `%(n)s` replaced by the number.
 *  @param {string} one
 *  @param {string} many
 *  @param {number} n
 *  @param {Record<string, string | number>} [values] */
export function translatePlural(one, many, n, values = {}) {
  const forms = catalogue?.messages[one];
  const english = n === 1 ? one : many;
  return fill((Array.isArray(forms) && forms[pluralForm(n, forms.length)]) || english, { n, ...values });
}

// gettext orders the forms of a language as Unicode orders its plural categories.
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
