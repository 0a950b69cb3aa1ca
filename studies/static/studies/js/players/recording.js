import { translate } from "../i18n.js";

const POLL_MS = 1_000;
const SLOWER_AFTER = 20; // polls
const SLOW_POLL_MS = 4_000;

/** A recording that cannot be loaded. The message is for people. */
export class RecordingProblem extends Error {}

/**
 * @param {string} url of the audio
 * @param {string | undefined} statusUrl of its take; if given, waits until the take is filed
 * @param {(text: string) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 * @throws {RecordingProblem}
 */
export async function fetchRecording(url, statusUrl, onProgress, signal) {
  if (statusUrl) await untilFiled(statusUrl, onProgress, signal);
  onProgress(translate("Loading"));
  const response = await request(url, signal);
  if (!response.ok) throw new RecordingProblem(translate("This recording could not be loaded."));
  return response.blob();
}

/**
 * Waits until a take is filed.
 * @param {string} statusUrl @param {(text: string) => void} onProgress @param {AbortSignal} signal
 * @returns {Promise<import("./audible.js").Audible>} what can be heard in its tracks
 * @throws {RecordingProblem}
 */
export async function untilFiled(statusUrl, onProgress, signal) {
  for (let polls = 0; ; polls++) {
    signal.throwIfAborted();
    const response = await request(statusUrl, signal);
    if (!response.ok) throw new RecordingProblem(translate("It could not be determined whether this recording is ready."));
    const { filed, state, audible = {} } = await response.json();
    if (filed) return audible;
    if (state === "failed") throw new RecordingProblem(translate("This recording could not be prepared."));
    onProgress(
      state === "ended" ? translate("The recording is being prepared") : translate("The conversation is still being saved"),
    );
    await new Promise((resolve) => setTimeout(resolve, polls < SLOWER_AFTER ? POLL_MS : SLOW_POLL_MS));
  }
}

/** @param {string} url @param {AbortSignal} signal */
async function request(url, signal) {
  try {
    return await fetch(url, { signal, headers: { Accept: "audio/flac, application/json" } });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new RecordingProblem(translate("The server cannot be reached."));
  }
}
