import { translate } from "../i18n.js";
import { element } from "../players/elements.js";
import { AskedAgain } from "./asked-again.js";

const POLL_MS = 500;
const LEAST_COMPARED = 2;
const NO_ID = "00000000-0000-0000-0000-000000000000"; // stands in the address for the talk's

/** The talks that the visitor had, newest first: each can be played, asked again, compared, downloaded and erased. */
export class OwnTalks {
  onQuestion = (/** @type {string} */ _participantUrl) => {}; // a recording of what the visitor said last
  #section;
  #list;
  #compare;
  #differences;
  #againUrl;
  #talkUrl;
  #csrfToken;
  #confirm;
  #players = /** @type {import("../players/waveform.js").Waveform[]} */ ([]);
  #asking = false;
  #talking = false;

  /**
   * @param {HTMLElement} section @param {HTMLDialogElement} confirm
   * @param {{againUrl: string, talkUrl: string}} config @param {string} csrfToken
   */
  constructor(section, confirm, { againUrl, talkUrl }, csrfToken) {
    this.#section = section;
    this.#list = part(section, "list");
    this.#compare = /** @type {HTMLButtonElement} */ (part(section, "compare"));
    this.#differences = part(section, "differences");
    this.#againUrl = againUrl;
    this.#talkUrl = talkUrl;
    this.#csrfToken = csrfToken;
    this.#confirm = confirm;
    section.addEventListener("click", (event) => this.#click(event));
    section.addEventListener("change", () => this.#count());
    section.addEventListener("submit", (event) => this.#submit(event));
    this.#compare.addEventListener("click", () => this.#showDifferences());
    const cards = this.#cards;
    for (const card of cards) this.#prepare(card, cards.indexOf(card) < LEAST_COMPARED);
    this.#count();
    if (cards.length > 0) this.#tellQuestion(cards[0]);
  }

  /** Puts a talk that has ended on top of the list, with its answer. @param {string} take */
  async add(take) {
    this.#section.hidden = false;
    const place = element("article", "card stack own-talk", translate("One moment …"));
    place.tabIndex = -1;
    this.#list.prepend(place);
    place.focus();
    place.scrollIntoView({ block: "nearest" });
    await this.#fill(place, take);
    this.#list.firstElementChild?.scrollIntoView({ block: "nearest" });
  }

  /** @returns {HTMLElement[]} */
  get #cards() {
    return [...this.#list.querySelectorAll("[data-talk]")].map((card) => /** @type {HTMLElement} */ (card));
  }

  /** Replaces `place` by the card of a talk, as the server draws it. @param {HTMLElement} place @param {string} take */
  async #fill(place, take) {
    const response = await answer(this.#talkUrl.replace(NO_ID, take));
    if (response === null) {
      place.replaceChildren(translate("This conversation could not be loaded. Please reload the page to see it."));
      return;
    }
    const card = cardIn(await response.text());
    const focused = place.contains(document.activeElement);
    place.replaceWith(card);
    this.#prepare(card, true);
    this.#count();
    this.#offer();
    this.#tellQuestion(card);
    if (focused) card.querySelector("h3")?.focus({ preventScroll: true });
  }

  /** @param {HTMLElement} card @param {boolean} compared */
  async #prepare(card, compared) {
    const box = /** @type {HTMLInputElement} */ (card.querySelector("[data-compare]"));
    box.checked = compared;
    const { Waveform } = await import("../players/waveform.js");
    for (const player of card.querySelectorAll("[data-waveform]"))
      if (player instanceof HTMLElement) this.#load(new Waveform(player));
    if (card.dataset.filed === "filing") await this.#whenFiled(card);
  }

  /** @param {import("../players/waveform.js").Waveform} player */
  #load(player) {
    this.#players.push(player);
    player.load();
  }

  /** Brings the words, which are known once a talk is filed. @param {HTMLElement} card */
  async #whenFiled(card) {
    const { talk = "", statusUrl = "" } = card.dataset;
    if (!(await isFiled(statusUrl)) || !card.isConnected) return;
    const response = await answer(this.#talkUrl.replace(NO_ID, talk));
    if (response === null) return;
    const filed = cardIn(await response.text());
    card.dataset.filed = filed.dataset.filed;
    const [words, found] = [card, filed].map((each) => each.querySelector("[data-words]"));
    if (words && found) words.replaceWith(found);
  }

  /** @param {HTMLElement} card */
  #tellQuestion(card) {
    if (card.dataset.filed !== "missing") this.onQuestion(card.dataset.participantUrl ?? "");
  }

  // asking again

  /** @param {Event} event */
  #click(event) {
    const button = event.target instanceof HTMLElement ? event.target.closest("[data-again]") : null;
    const card = button?.closest("[data-talk]");
    if (!(button instanceof HTMLButtonElement) || !(card instanceof HTMLElement) || this.#busy) return;
    this.#askAgain(card, button.dataset.again ?? "", button.dataset.label ?? "");
  }

  /** @param {HTMLElement} card @param {string} voice @param {string} label */
  async #askAgain(card, voice, label) {
    this.asking = true;
    const asked = new AskedAgain(label);
    const alike = this.#cards.filter(({ dataset }) => dataset.source === card.dataset.source);
    alike[alike.length - 1].after(asked.card);
    asked.card.querySelector("h3")?.focus();
    asked.card.scrollIntoView({ block: "nearest", inline: "nearest" });
    asked.onOver = async (take) => {
      this.asking = false;
      if (take !== "") await this.#fill(asked.card, take);
    };
    await isFiled(card.dataset.statusUrl ?? ""); // The question is read from the recording.
    const url = new URL(this.#againUrl, location.href);
    url.searchParams.set("take", card.dataset.talk ?? "");
    url.searchParams.set("voice", voice);
    if (!(await asked.start(url.href, this.#csrfToken))) this.asking = false;
  }

  /** One question is asked at a time. @param {boolean} asking */
  set asking(asking) {
    this.#asking = asking;
    this.#offer();
    this.onAsking(asking);
  }

  /** While somebody talks, nothing is asked again and nothing is played. @param {boolean} talking */
  set talking(talking) {
    this.#talking = talking;
    this.#offer();
    if (talking) for (const player of this.#players) player.pause();
  }

  get #busy() {
    return this.#asking || this.#talking;
  }

  #offer() {
    for (const button of this.#section.querySelectorAll("[data-again]"))
      /** @type {HTMLButtonElement} */ (button).disabled = this.#busy;
  }

  onAsking = (/** @type {boolean} */ _asking) => {}; // a recorded question is being asked, or no longer

  // comparing

  get #compared() {
    return [...this.#list.querySelectorAll("[data-compare]:checked")].map(
      (box) => /** @type {HTMLInputElement} */ (box).value,
    );
  }

  #count() {
    this.#compare.disabled = this.#compared.length < LEAST_COMPARED;
  }

  async #showDifferences() {
    const url = new URL(this.#differences.dataset.compareUrl ?? "", location.href);
    for (const take of this.#compared) url.searchParams.append("take", take);
    for (;;) {
      const response = await answer(url);
      if (response === null) {
        this.#differences.replaceChildren(
          translate("The differences could not be loaded. Check your connection, then try again."),
        );
        return;
      }
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const found = page.getElementById("differences");
      if (found === null) return;
      this.#differences.replaceChildren(...found.childNodes);
      if (!found.hasAttribute("data-measuring")) return;
      await new Promise((resolve) => setTimeout(resolve, 2 * POLL_MS));
    }
  }

  // erasing

  /** @param {SubmitEvent} event */
  #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.dataset.confirm === undefined) return;
    event.preventDefault();
    part(this.#confirm, "confirm-text").textContent = form.dataset.confirm;
    this.#confirm.returnValue = "";
    this.#confirm.onclose = () => this.#confirm.returnValue === "yes" && form.submit();
    this.#confirm.showModal();
  }
}

/** @param {string} html */
function cardIn(html) {
  const card = new DOMParser().parseFromString(html, "text/html").querySelector("[data-talk]");
  return /** @type {HTMLElement} */ (document.importNode(/** @type {Element} */ (card), true));
}

/** @param {string | URL} url @returns {Promise<Response | null>} null: the server was not reached, or refused */
async function answer(url) {
  const response = await fetch(url).catch(() => null);
  return response?.ok ? response : null;
}

/** Waits until a take is filed. @param {string} statusUrl @returns {Promise<boolean>} whether it was, as far as is known */
async function isFiled(statusUrl) {
  for (;;) {
    const response = await answer(statusUrl);
    if (response === null) return false;
    const { filed, state } = await response.json();
    if (filed || state === "failed") return filed;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** @param {HTMLElement} root @param {string} name */
function part(root, name) {
  const found = root.querySelector(`[data-part="${name}"]`);
  if (!(found instanceof HTMLElement)) throw new Error(`the page lacks its part ${name}`);
  return found;
}
