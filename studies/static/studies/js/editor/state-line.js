const STATES = {
  kept: "Saved",
  changed: "Not saved yet",
  sending: "Saving …",
  failed: "Not saved",
  conflict: "Not saved: somebody else edited the draft, too",
};

/** @typedef {keyof typeof STATES} State */

/**
 * Shows whether the draft is saved.
 * @param {HTMLElement} shown
 * @param {State} state
 * @param {string} [told] when it was saved, or why it was not
 */
export function showState(shown, state, told) {
  shown.dataset.state = state;
  const time = state === "kept" && told ? ` at ${new Date(told).toLocaleTimeString([], { timeStyle: "short" })}` : "";
  const why = state === "failed" && told ? `: ${told}` : "";
  shown.textContent = `${STATES[state]}${time}${why}`;
}
