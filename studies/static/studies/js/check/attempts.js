/** @typedef {{failed: string[], blocked: boolean, mayLeave: boolean}} ServerVerdict */

/** Tells the server of every run of the check, so that none is lost with the page. */
export class Attempts {
  #url;
  #csrfToken;

  /** @param {string} url @param {string} csrfToken */
  constructor(url, csrfToken) {
    this.#url = url;
    this.#csrfToken = csrfToken;
  }

  /**
   * @param {object} report
   * @returns {Promise<ServerVerdict | null>} null when it cannot be told now; what the form sends at the end tells it then
   */
  async send(report) {
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.#csrfToken },
        body: JSON.stringify(report),
      });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }
}
