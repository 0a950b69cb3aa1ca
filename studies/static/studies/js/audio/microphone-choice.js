import { Microphone } from "./microphone.js";

const REMEMBERED = "hearmeout.microphone"; // key in the session storage, for later pages of this tab

/** A `<select>` of the microphones. It is hidden until the browser gives their names, after permission. */
export class MicrophoneChoice {
  onChoose = /** @type {(deviceId: string) => void} */ (() => {});
  onDevices = () => {}; // something was plugged in or out
  #select;
  #field;
  #refresh = async () => {
    await this.refresh();
    this.onDevices();
  };

  /** @param {HTMLSelectElement} select @param {HTMLElement} field the element that is hidden with it */
  constructor(select, field) {
    this.#select = select;
    this.#field = field;
    select.addEventListener("change", () => {
      sessionStorage.setItem(REMEMBERED, select.value);
      this.onChoose(select.value);
    });
    navigator.mediaDevices?.addEventListener("devicechange", this.#refresh);
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
  }
}
