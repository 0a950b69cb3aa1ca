import { Microphone } from "./microphone.js";

const REMEMBERED = "hearmeout.microphone"; // key in the session storage, for later pages of this tab

/** A `<select>` of the microphones. It is hidden until the browser gives their names, after permission. */
export class MicrophoneChoice {
  onChoose = /** @type {(deviceId: string) => void} */ (() => {});
  #select;
  #field;

  /** @param {HTMLSelectElement} select @param {HTMLElement} field the element that is hidden with it */
  constructor(select, field) {
    this.#select = select;
    this.#field = field;
    select.addEventListener("change", () => {
      sessionStorage.setItem(REMEMBERED, select.value);
      this.onChoose(select.value);
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => this.refresh());
  }

  /** The id of the microphone that was chosen on this or an earlier page; empty for the system's default. */
  static get remembered() {
    return sessionStorage.getItem(REMEMBERED) ?? "";
  }

  get deviceId() {
    return MicrophoneChoice.remembered;
  }

  /** @param {string} [deviceId] the microphone that is open */
  async refresh(deviceId = this.#select.value || this.deviceId) {
    if (navigator.mediaDevices?.enumerateDevices === undefined) return;
    const named = (await Microphone.choices()).filter(({ label }) => label !== "");
    this.#select.replaceChildren(...named.map((device) => new Option(device.label, device.deviceId)));
    if (named.some((device) => device.deviceId === deviceId)) this.#select.value = deviceId;
    this.#field.hidden = named.length === 0;
    const remembered = MicrophoneChoice.remembered;
    const isGone = named.length > 0 && named.every((device) => device.deviceId !== remembered);
    if (isGone) sessionStorage.removeItem(REMEMBERED); // It could not be opened any more.
  }
}
