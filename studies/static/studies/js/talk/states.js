/**
 * @typedef {"idle" | "asking" | "connecting" | "queue" | "live" | "reconnecting" | "ending" | "restarting" | "ended" | "failed"} State
 * @typedef {object} Screen
 * @property {string} status one line, also read aloud
 * @property {string} [title] with `text`, where there is no talk to show
 * @property {string} [text]
 * @property {string} [start] label of the button that starts a talk
 * @property {string} [next] label of the link to the next step
 * @property {string} [cancel] label of the button that gives up
 */

/** @type {Readonly<Record<Exclude<State, "restarting" | "ended" | "failed">, Screen>>} */
export const SCREENS = {
  idle: {
    status: "Not recording",
    title: "Ready when you are",
    text: "Your browser will ask for the microphone. Recording begins when you see that you are live, not before.",
    start: "Start talking",
  },
  asking: {
    status: "Waiting for the microphone",
    title: "Please allow the microphone",
    text: "Your browser is asking, near the address bar. Nothing is recorded yet.",
  },
  connecting: { status: "Connecting", title: "Connecting", text: "This takes a moment.", cancel: "Cancel" },
  queue: { status: "Waiting for a place", title: "", text: "", cancel: "Leave the queue" },
  live: { status: "You are live" },
  reconnecting: { status: "Connection lost. Reconnecting; what you say is kept." },
  ending: { status: "Saving the last words" },
};

/** What the agent does → what the status line says of it. */
export const TURNS = Object.freeze({
  listening: "You are live: speak",
  thinking: "The machine is thinking",
  speaking: "The machine is speaking",
  interrupted: "You are live: speak",
  discarded: "You are live: speak",
});

export const AWAY = "The machine is away for a moment; what you say is kept";

/** @param {number} position 1 is next @returns {Screen} */
export function queueScreen(position) {
  return {
    ...SCREENS.queue,
    title: position <= 1 ? "You are next" : `You are number ${position} in the queue`,
    text: "All places are taken just now. Keep this page open: the talk begins by itself, and you will see it here.",
  };
}

const MACHINE_STOPPED = "The machine stopped";
const AGAIN = { start: "Start again" };
const ON = { next: "Continue" };

/** @type {Readonly<Record<string, Pick<Screen, "title" | "start" | "next">>>} */
const ENDINGS = {
  participant: { title: "Talk finished", ...ON },
  limit: { title: "Time is up", ...ON },
  engine_lost: { title: MACHINE_STOPPED, ...AGAIN },
  no_worker: { title: "The machine is not there just now", start: "Try again" },
  abandoned: { title: "The connection was lost", ...AGAIN },
  connection_lost: { title: "The connection was lost", ...AGAIN },
  recording_failed: { title: "The recording stopped", ...AGAIN },
  refused: { title: "The talk could not be opened", start: "Try again" },
  another_tab: { title: "The talk goes on in another window", start: "Start anew here" },
  disk_full: { title: "The recording stopped" },
  withdrawn: { title: "You have withdrawn", ...ON },
  no_consent: { title: "Your consent is needed first", ...ON },
  take_over: { title: "This talk is over", ...AGAIN },
  session_over: { title: "This session is over", ...ON },
};

/** @param {string} reason @param {string} text in the server's words @returns {Screen} */
export function endedScreen(reason, text) {
  const ending = ENDINGS[reason] ?? { title: "The talk ended", start: "Try again" };
  return { status: "Not recording", text, ...ending };
}

/** A new talk is about to begin by itself. @param {string} text in the server's words @returns {Screen} */
export function restartingScreen(text) {
  return { status: "Not recording", title: MACHINE_STOPPED, text, start: "Continue now", cancel: "Stop here" };
}

/** @param {string} title @param {string} text @returns {Screen} */
export function failedScreen(title, text) {
  return { status: "Not recording", title, text, start: "Try again" };
}
