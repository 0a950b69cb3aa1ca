import { translate } from "../i18n.js";
import { decode, encode, WireError } from "../contract/wire.js";
import { Refusal, requestTicket } from "./ticket.js";

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 2_000;
const ATTEMPT_MS = 5_000; // longest time from opening a socket to its `hello`
const KEEPALIVE_MS = 5_000;
const SILENT_AFTER_MS = 5_000; // While live, agent frames come every 80 ms, so silence means a lost connection.
const CLOSE_TICKET = 4401;
const CLOSE_TOO_SLOW = 4408;
const CLOSE_UNAVAILABLE = 4503;
const TRY_AGAIN = new Set([CLOSE_TICKET, CLOSE_TOO_SLOW, CLOSE_UNAVAILABLE]);

/**
 * @typedef {object} SocketAddress
 * @property {string} socketUrl
 * @property {string} ticketUrl
 * @property {string} ticket for the first connection
 * @property {string} csrfToken
 * @property {number} graceMs how long the server keeps the take open for a page that has lost its connection
 * @typedef {object} SocketHandlers
 * @property {(message: import("../contract/wire.js").Message) => void} onMessage first `hello`, on every connection
 * @property {() => void} onLost the connection was lost and is being restored
 * @property {(reason: string, message: string) => void} onClosed the connection was refused or could not be restored in
 *   time. Not called after `close`.
 */

/** The talk's WebSocket. A lost connection is restored within the grace period; each connection needs a new ticket. */
export class TalkSocket {
  #live = false;
  #address;
  #handlers;
  #socket = /** @type {WebSocket | null} */ (null);
  #refusal = /** @type {{code: string, message: string} | null} */ (null);
  #ticket = /** @type {string | null} */ (null);
  #open = true;
  #ready = false; // whether `hello` has come on this connection
  #deadlineMs = Infinity; // for restoring the connection
  #attempts = 0;
  #heardMs = 0;
  #attemptTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  #watch;

  /** @param {SocketAddress} address @param {SocketHandlers} handlers */
  constructor(address, handlers) {
    this.#address = address;
    this.#handlers = handlers;
    this.#ticket = address.ticket;
    this.#deadlineMs = performance.now() + this.#address.graceMs;
    this.#watch = setInterval(() => this.#keepAlive(), 1_000);
    this.#connect();
  }

  get ready() {
    return this.#ready;
  }

  /** Whether messages are expected all the time from now on. @param {boolean} live */
  set live(live) {
    this.#live = live;
    this.#heardMs = performance.now();
  }

  /** Number of bytes that were sent but have not left the browser. */
  get backlogBytes() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Sends a message. Without a connection, nothing is sent. @param {Uint8Array<ArrayBuffer>} message */
  send(message) {
    if (this.#ready) this.#socket?.send(message);
  }

  /** Must be called when the connection is known to be lost, even if the socket still seems open. */
  drop() {
    this.#leave();
    this.#search();
  }

  close() {
    this.#open = false;
    clearInterval(this.#watch);
    this.#leave();
  }

  async #connect() {
    let ticket = this.#ticket;
    this.#ticket = null;
    try {
      ticket ??= await requestTicket(this.#address.ticketUrl, this.#address.csrfToken);
    } catch (error) {
      if (error instanceof Refusal && error.final) this.#finish(error.code, error.message);
      else this.#search();
      return;
    }
    if (this.#open) this.#listen(ticket);
  }

  /** @param {string} ticket */
  #listen(ticket) {
    const url = new URL(this.#address.socketUrl, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("ticket", ticket);
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(code);
    this.#socket = socket;
    this.#refusal = null;
    this.#attemptTimer = setTimeout(() => this.drop(), ATTEMPT_MS);
  }

  /** @param {ArrayBuffer} data */
  #receive(data) {
    this.#heardMs = performance.now();
    let message;
    try {
      message = decode(data);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#finish(
        "bad_message",
        translate("The server sent something that this page does not understand. Reload the page and try again."),
      );
      return;
    }
    if (message.kind === "error") this.#refusal = message;
    else if (message.kind === "metadata" && message.event === "hello") this.#greeted();
    this.#handlers.onMessage(message);
  }

  #greeted() {
    clearTimeout(this.#attemptTimer);
    this.#ready = true;
    this.#deadlineMs = Infinity;
    this.#attempts = 0;
  }

  /** @param {number} code */
  #closed(code) {
    this.#leave();
    const refusal = this.#refusal;
    if (refusal !== null && !TRY_AGAIN.has(code)) this.#finish(refusal.code, refusal.message);
    else this.#search();
  }

  #search() {
    if (!this.#open) return;
    const nowMs = performance.now();
    if (this.#deadlineMs === Infinity) {
      this.#deadlineMs = nowMs + this.#address.graceMs;
      this.#handlers.onLost();
    }
    const delayMs = this.#attempts === 0 ? 0 : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#attempts - 1));
    this.#attempts++;
    if (nowMs + delayMs < this.#deadlineMs) setTimeout(() => this.#open && this.#connect(), delayMs);
    else
      this.#finish(
        this.#refusal?.code ?? "connection_lost",
        this.#refusal?.message ?? translate("The connection could not be restored. What has been said so far is saved."),
      );
  }

  #keepAlive() {
    if (!this.#ready) return;
    const silentMs = performance.now() - this.#heardMs;
    if (this.#live && silentMs > SILENT_AFTER_MS) this.drop();
    else if (silentMs > KEEPALIVE_MS) this.send(encode({ kind: "ping" }));
  }

  #leave() {
    clearTimeout(this.#attemptTimer);
    this.#ready = false;
    if (this.#socket === null) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  /** @param {string} reason @param {string} message */
  #finish(reason, message) {
    if (!this.#open) return;
    this.close();
    this.#handlers.onClosed(reason, message);
  }
}
