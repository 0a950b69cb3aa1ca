/** @typedef {{failed: string[], blocked: boolean, mayLeave: boolean}} ServerVerdict */

/** Sends every run of the check to the server, so that none is lost if the page is closed. */
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
   * @returns {Promise<ServerVerdict | null>} null if it could not be sent; the form sends the last run again at the end
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
