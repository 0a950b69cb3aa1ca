/**
 * @typedef {{path: string, message: string, line: number, column: number, kind: "error" | "obstacle"}} Problem
 * @typedef {{problems: Problem[], valid: boolean, sha256: string, document: Record<string, any> | null}} Report
 * @typedef {{text: string, revision: number, by: string, at: string, report: Report}} Draft
 * @typedef {import("./edits.js").Edit} Edit
 */

/** The server refused what was sent. The message is for people. */
export class Refused extends Error {}

/** The server could not be reached or could not answer. The same request may work later. */
export class Unreachable extends Error {}

/** Sends the editor's requests to the server. The addresses come from the page. */
export class Server {
  #urls;
  #csrfToken;

  /** @param {DOMStringMap} urls validate, save, rewrite @param {string} csrfToken */
  constructor(urls, csrfToken) {
    this.#urls = urls;
    this.#csrfToken = csrfToken;
  }

  /**
   * @param {string} text
   * @param {number} revision the revision on which the text is based
   * @returns {Promise<{kept: boolean, draft: Draft}>} if it was not kept, `draft` is what somebody else wrote meanwhile
   */
  async save(text, revision) {
    const { status, body } = await this.#post(this.#urls.save, { text, revision });
    return { kept: status === 200, draft: body };
  }

  /** @param {string} text @returns {Promise<Report>} */
  async validate(text) {
    return (await this.#post(this.#urls.validate, { text })).body;
  }

  /** @param {string} text @param {Edit[]} edits @returns {Promise<string>} the text with the edits made */
  async rewrite(text, edits) {
    return (await this.#post(this.#urls.rewrite, { text, edits })).body.text;
  }

  /** @returns {Promise<{schema: Record<string, any>, names: Record<string, Record<string, string>>}>} */
  async schema() {
    const response = await fetch(this.#urls.schema ?? "");
    if (!response.ok) throw new Unreachable("The form could not be loaded. Load the page again.");
    return response.json();
  }

  /** @param {string | undefined} url @param {object} sent @returns {Promise<{status: number, body: any}>} */
  async #post(url, sent) {
    let response;
    try {
      response = await fetch(url ?? "", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.#csrfToken },
        body: JSON.stringify(sent),
      });
    } catch {
      throw new Unreachable("The server cannot be reached.");
    }
    if (response.redirected || response.status === 403)
      throw new Unreachable("You are signed out. Sign in again in another tab; your words stay here meanwhile.");
    if (response.ok || response.status === 409) return { status: response.status, body: await response.json() };
    const told = await response.json().catch(() => ({}));
    if (response.status < 500 && told.message) throw new Refused(told.message);
    throw new Unreachable(`The server could not do this (${response.status}).`);
  }
}
