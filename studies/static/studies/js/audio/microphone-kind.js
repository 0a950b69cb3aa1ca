/** @typedef {"virtual" | "bluetooth" | "headset" | "usb" | "built-in" | "other" | "unknown"} MicrophoneKind */

const KINDS = /** @type {const} */ ([
  ["virtual", /virtual|fake|loopback|blackhole|vb-audio|voicemeeter|stereo mix|monitor of/i],
  ["bluetooth", /bluetooth|airpods|\bbuds\b|hands-?free|\bhfp\b/i],
  ["headset", /head-?(set|phone)|ear-?(pods|phone)|kopfh|hörlur/i],
  ["usb", /usb|yeti|snowball|røde|rode\b|focusrite|scarlett/i],
  ["built-in", /built-?in|internal|intern(t|es)?\b|integr|eingebaut|inbygg|macbook|imac|iphone|ipad|array|realtek/i],
]);

/**
 * What sort of microphone it is, by its name. The name itself ("Anna’s AirPods") goes nowhere.
 * @param {string} label
 * @returns {MicrophoneKind}
 */
export function microphoneKind(label) {
  if (label.trim() === "") return "unknown";
  return KINDS.find(([, pattern]) => pattern.test(label))?.[0] ?? "other";
}
