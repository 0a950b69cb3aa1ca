/**
 * @typedef {(string | number)[]} Path
 * @typedef {{do: "put", path: Path, value: any} | {do: "drop", path: Path}
 *   | {do: "arrange", path: Path, items: (number | {value: any})[]}} Edit
 */

/**
 * Returns the smallest edits between two values of the form. What the form did not touch stays in the document as it
 * was written, even if the form cannot show it.
 * @param {any} before
 * @param {any} after
 * @param {Path} path
 * @returns {Edit[]}
 */
export function editsBetween(before, after, path = []) {
  if (same(before, after) || (isEmpty(before) && isEmpty(after))) return [];
  if (isBlock(before) && isBlock(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => editsBetween(before[key], after[key], [...path, key]));
  }
  if (isEmpty(after)) return [{ do: "drop", path }];
  if (Array.isArray(before) && Array.isArray(after) && before.length) return editsOfList(before, after, path);
  return [{ do: "put", path, value: filled(after) }];
}

/** @param {any[]} before @param {any[]} after @param {Path} path @returns {Edit[]} */
function editsOfList(before, after, path) {
  const items = whereFrom(before, after);
  const moved = items.every((item) => item >= 0);
  if (before.length === after.length && !moved)
    return before.flatMap((item, index) => editsBetween(item, after[index], [...path, index]));
  return [
    { do: "arrange", path, items: items.map((from, index) => (from >= 0 ? from : { value: filled(after[index]) })) },
  ];
}

/**
 * Returns for each item of `after` the index in `before` from which it came, or -1. No index is returned twice.
 * @param {any[]} before
 * @param {any[]} after
 */
function whereFrom(before, after) {
  const taken = new Set();
  return after.map((item, index) => {
    const candidates = [index, ...before.keys()];
    const from = candidates.find((place) => place < before.length && !taken.has(place) && same(before[place], item));
    if (from === undefined) return -1;
    taken.add(from);
    return from;
  });
}

/**
 * Returns the value without empty fields, so that a new item contains only what was filled in.
 * @param {any} value
 * @returns {any}
 */
function filled(value) {
  if (Array.isArray(value)) return value.map(filled);
  if (!isBlock(value)) return value;
  const parts = Object.entries(value).map(([key, part]) => [key, filled(part)]);
  return Object.fromEntries(parts.filter(([, part]) => !isEmpty(part)));
}

/** @param {any} value */
function isEmpty(value) {
  if (value === null || value === undefined) return true;
  return Array.isArray(value) ? value.length === 0 : isBlock(value) && Object.keys(value).length === 0;
}

/** @param {any} value */
function isBlock(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {any} one @param {any} other @returns {boolean} whether they are equal; undefined and null count as equal */
export function same(one, other) {
  if (one === other || ((one ?? null) === null && (other ?? null) === null)) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => same(item, other[index]));
  if (!isBlock(one) || !isBlock(other)) return false;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => same(one[key], other[key]));
}
