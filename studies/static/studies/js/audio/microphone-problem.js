import { translate } from "../i18n.js";

/** @typedef {"denied" | "muted" | "stalled" | "ended"} Loss how an open microphone was lost */

/** Explains to the participant why there is no microphone. */
export class MicrophoneProblem extends Error {
  /** @param {string} code @param {string} title @param {string} message what to do */
  constructor(code, title, message) {
    super(message);
    this.name = "MicrophoneProblem";
    this.code = code;
    this.title = title;
  }

  /** Checks the browser before permission is asked. @returns {MicrophoneProblem | null} what prevents recording */
  static ofBrowser() {
    if (!isSecureContext)
      return new MicrophoneProblem(
        "insecure",
        translate("This address is not secure"),
        translate(
          "Browsers allow the microphone only on pages with https. Open the link with https:// at the beginning, or ask the research team for such a link.",
        ),
      );
    const missing = missingFeatures();
    if (missing.length === 0) return null;
    return new MicrophoneProblem(
      "unsupported",
      translate("This browser is not supported"),
      translate("It lacks %(features)s. Please open this page in a current version of Chrome, Edge, Firefox or Safari.", {
        features: missing.join(", "),
      }),
    );
  }

  /**
   * Explains how an open microphone was lost.
   * @param {Loss} loss
   */
  static lost(loss) {
    switch (loss) {
      case "denied":
        return new MicrophoneProblem(
          loss,
          translate("The microphone is no longer allowed"),
          howToAllow(navigator.userAgent),
        );
      case "muted":
        return new MicrophoneProblem(
          loss,
          translate("Your system muted the microphone"),
          translate("Unmute it on the headset or in your system’s settings, and end other calls."),
        );
      case "stalled":
        return new MicrophoneProblem(
          loss,
          translate("The microphone stopped sending sound"),
          translate("Check its plug or its connection, or choose another microphone."),
        );
      case "ended":
        return new MicrophoneProblem(
          loss,
          translate("The microphone was disconnected"),
          translate("It was unplugged, or another program took it. Plug it in again, or choose another microphone."),
        );
    }
  }

  /** @param {unknown} error thrown by getUserMedia */
  static of(error) {
    const name = error instanceof DOMException ? error.name : "";
    switch (name) {
      case "NotAllowedError":
      case "SecurityError":
        return new MicrophoneProblem("denied", translate("The microphone is blocked"), howToAllow(navigator.userAgent));
      case "NotFoundError":
      case "OverconstrainedError":
        return new MicrophoneProblem(
          "none",
          translate("No microphone was found"),
          translate("Plug in a headset or a microphone, then try again."),
        );
      case "NotReadableError":
      case "AbortError":
        return new MicrophoneProblem(
          "busy",
          translate("The microphone cannot be opened"),
          translate(
            "Another program may be using it. Close calls and recording programs, or unplug the microphone and plug it in again, then try again.",
          ),
        );
      default:
        return new MicrophoneProblem("failed", translate("The microphone did not start"), `${error}`);
    }
  }
}

/**
 * Checks what a talk needs from a browser.
 * @returns {string[]} names of the missing features for people; empty if there are none
 */
function missingFeatures() {
  /** @type {[string, boolean][]} */
  const features = [
    [translate("access to a microphone"), navigator.mediaDevices?.getUserMedia !== undefined],
    [translate("audio worklets"), typeof AudioContext === "function" && "audioWorklet" in AudioContext.prototype],
    [translate("web workers"), typeof Worker === "function"],
    [translate("web sockets"), typeof WebSocket === "function"],
  ];
  return features.filter(([, present]) => !present).map(([name]) => name);
}

/** @param {string} userAgent @returns {string} how to allow the microphone in this browser */
function howToAllow(userAgent) {
  if (/firefox/i.test(userAgent))
    return translate("Click the crossed-out microphone in the address bar, remove the block, then try again.");
  if (/safari/i.test(userAgent) && !/chrom(e|ium)|crios/i.test(userAgent))
    return translate(
      "In the menu, choose Safari, then Settings for This Website, and set Microphone to Allow. On an iPhone, tap aA in the address bar, then Website Settings. Then try again.",
    );
  return translate(
    "Click the icon to the left of the address, set Microphone to Allow, then try again. If it is already allowed there, check your computer’s privacy settings.",
  );
}
