import { translate } from "../i18n.js";

const PATIENCE_MS = 10_000;

/** A refusal by the server. */
export class Refusal extends Error {
  /** @param {string} code @param {string} message for the participant @param {number} status of HTTP */
  constructor(code, message, status) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.final = status < 500; // Otherwise, trying again may help.
  }
}

/**
 * @typedef {object} OpenedTake
 * @property {string} take
 * @property {string} socketUrl
 * @property {string} ticketUrl
 * @property {string} statusUrl
 * @property {string} ticket
 * @property {number} limitMs
 * @property {number} graceMs
 */

/**
 * @param {string} url @param {string} csrfToken
 * @returns {Promise<OpenedTake>}
 * @throws {Refusal} with the server's message
 * @throws {TypeError} if the server could not be reached
 */
export async function openTake(url, csrfToken) {
  return /** @type {OpenedTake} */ (await post(url, csrfToken));
}

/**
 * @param {string} url @param {string} csrfToken
 * @returns {Promise<string>}
 * @throws {Refusal} @throws {TypeError} as above
 */
export async function requestTicket(url, csrfToken) {
  return /** @type {{ticket: string}} */ (await post(url, csrfToken)).ticket;
}

/** @param {string} url @param {string} csrfToken @returns {Promise<unknown>} */
async function post(url, csrfToken) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": csrfToken, Accept: "application/json" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const message =
    answer.message ?? translate("The server could not open the conversation. Please try again in a moment.");
  throw new Refusal(answer.code ?? `http_${response.status}`, message, response.status);
}
