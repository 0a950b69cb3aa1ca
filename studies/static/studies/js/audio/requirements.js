import { translate } from "./i18n.js";

/**
 * What a talk needs of a browser.
 * @returns {string[]} what is missing, in words for people; empty when all is there
 */
export function missingFeatures() {
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
export function howToAllow(userAgent) {
  if (/firefox/i.test(userAgent))
    return translate("Click the crossed-out microphone in the address bar, remove the block, then try again.");
  if (/safari/i.test(userAgent) && !/chrom(e|ium)|crios/i.test(userAgent))
    return translate(
      "In the menu choose Safari, Settings for this website, and set Microphone to Allow. On an iPhone: aA in the address bar, Website Settings. Then try again.",
    );
  return translate(
    "Click the symbol to the left of the address, set Microphone to Allow, then try again. If it is allowed there, look in your computer’s privacy settings.",
  );
}
