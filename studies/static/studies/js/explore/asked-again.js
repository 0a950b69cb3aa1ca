import { Meter } from "../audio/meter.js";
import { Speaker } from "../audio/speaker.js";
import { currentCatalogue, translate } from "../i18n.js";
import { element } from "../players/elements.js";
import { TURNS } from "../talk/states.js";
import { openTake, Refusal } from "../talk/ticket.js";
import { WordsView } from "../talk/words-view.js";

const WORKER = new URL("../talk/worker.js", import.meta.url);
const ASKING = translate("Your recorded question is being asked");
const DONE = new Set(["answered", "participant", "limit"]);

/**
 * A talk in which a recorded question is asked again. The server speaks the question; the card shows what is understood
 * and plays the answer as it comes. No microphone is open.
 */
export class AskedAgain {
  onOver = (/** @type {string} */ _take) => {};
  card = element("article", "card stack own-talk own-talk--live");
  #status = element("p", "own-talk__status");
  #words = element("div", "explore__captions");
  #view = new WordsView(this.#words);
  #stop = /** @type {HTMLButtonElement} */ (element("button", "button button--small button--danger", translate("Stop")));
  #meterElement = element("div", "meter meter--agent");
  #meter;
  #speaker;
  #worker = /** @type {Worker | null} */ (null);
  #take = "";
  #answered = false;

  /** Must be created while a click is handled, so that the answer may sound. @param {string} label of the voice */
  constructor(label) {
    const title = element("h3", "own-talk__voice", label);
    title.tabIndex = -1;
    this.#meterElement.role = "meter";
    this.#meterElement.ariaLabel = translate("Machine");
    this.#meter = new Meter(this.#meterElement);
    this.#status.role = "status";
    this.#words.role = "log";
    this.#words.ariaLabel = translate("What was understood, and what the machine says");
    this.#words.tabIndex = 0;
    this.#stop.type = "button";
    this.#stop.addEventListener("click", () => this.#tell({ do: "end", reason: "participant" }));
    this.card.append(title, this.#status, this.#meterElement, this.#words, this.#stop);
    this.#speaker = new Speaker();
    this.#speaker.onLevel = (level) => this.#meter.show(level);
    this.#speaker.onClock = (offsetMs) => this.#tell({ do: "outputClock", offsetMs });
    this.#say(translate("Connecting"));
  }

  /** @param {string} url that opens the take @param {string} csrfToken @returns {Promise<boolean>} whether it began */
  async start(url, csrfToken) {
    try {
      const playbackPort = await this.#speaker.open();
      const { take, socketUrl, ticketUrl, ticket, graceMs } = await openTake(url, csrfToken);
      this.#take = take;
      const worker = (this.#worker = new Worker(WORKER, { type: "module" }));
      worker.onmessage = ({ data }) => this.#hear(data);
      const address = { socketUrl, ticketUrl, ticket, graceMs, csrfToken };
      const catalogue = currentCatalogue();
      this.#tell({ do: "open", address, playbackPort, monitorPort: null, catalogue }, [playbackPort]);
      return true;
    } catch (error) {
      if (error instanceof Refusal) this.#fail(error.message);
      else if (error instanceof DOMException || error instanceof TypeError)
        this.#fail(translate("The server cannot be reached. Check your connection, then try again."));
      else throw error;
      return false;
    }
  }

  /** @param {import("../talk/messages.js").ToWorker} order @param {Transferable[]} [transfer] */
  #tell(order, transfer = []) {
    this.#worker?.postMessage(order, transfer);
  }

  /** @param {import("../talk/messages.js").FromWorker} message */
  #hear(message) {
    switch (message.say) {
      case "queue":
        this.#say(translate("All places are taken just now. It is asked as soon as one is free."));
        break;
      case "live":
        this.#say(ASKING);
        break;
      case "lost":
        this.#say(translate("Connection lost. Reconnecting."));
        break;
      case "event":
        this.#happened(message.event, message.data);
        break;
      case "sounding":
        this.#view.sound(message.step);
        break;
      case "ended":
        this.#ended(message.reason, message.message);
        break;
    }
  }

  /** @param {string} event @param {any} data as checked by the wire */
  #happened(event, data) {
    if (event === "words") this.#view.add(data);
    else if (event === "transcript" && data.role === "agent") this.#view.complete(data.turn, data.text);
    else if (event === "transcript") this.#view.understand(data.text);
    else if (event === "turn" && data.state === "listening" && !this.#answered) this.#say(ASKING);
    else if (event === "turn" && data.state in TURNS) this.#turned(/** @type {keyof typeof TURNS} */ (data.state));
  }

  /** @param {keyof typeof TURNS} state */
  #turned(state) {
    this.#answered ||= state === "speaking";
    this.#say(state === "thinking" || state === "speaking" ? TURNS[state] : "");
  }

  /** @param {string} reason @param {string} message */
  #ended(reason, message) {
    this.#close();
    this.#say(message, DONE.has(reason) ? "" : "warning");
    this.onOver(this.#take);
  }

  /** @param {string} message */
  #fail(message) {
    this.#close();
    this.#say(message, "error");
  }

  #close() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#speaker.close();
    this.#stop.hidden = true;
    this.#meterElement.hidden = true;
  }

  /** @param {string} text @param {string} [tone] */
  #say(text, tone = "") {
    this.#status.className = tone ? `own-talk__status notice notice--${tone}` : "own-talk__status";
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }
}
