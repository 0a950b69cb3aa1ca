/**
 * Keeps what was written before the page is left: links and forms of the study wait for it, anything else asks first.
 * @param {() => boolean} isKept
 * @param {() => Promise<void>} keep
 */
export function keepBeforeLeaving(isKept, keep) {
  /** @param {Event} event @param {() => void} go */
  const first = async (event, go) => {
    if (isKept()) return;
    event.preventDefault();
    await keep();
    if (isKept()) go();
  };
  for (const link of document.querySelectorAll("a[data-leaves]"))
    if (link instanceof HTMLAnchorElement)
      link.addEventListener("click", (event) => void first(event, () => location.assign(link.href)));
  for (const form of document.querySelectorAll("form[data-changes]"))
    if (form instanceof HTMLFormElement)
      form.addEventListener("submit", (event) => void first(event, () => form.requestSubmit(event.submitter)));
  window.addEventListener("beforeunload", (event) => {
    if (!isKept()) event.preventDefault();
  });
  window.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    void keep();
  });
}
