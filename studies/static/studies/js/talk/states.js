import { translate } from "../i18n.js";

/**
 * @typedef {"idle" | "asking" | "connecting" | "queue" | "live" | "reconnecting" | "ending" | "restarting" | "ended" | "failed"} State
 * @typedef {object} Screen
 * @property {string} status one line, also read aloud
 * @property {string} [title] shown with `text` while there is no talk
 * @property {string} [text]
 * @property {string} [start] label of the button that starts a talk
 * @property {string} [next] label of the link to the next page
 * @property {string} [cancel] label of the button that cancels
 */

/** @type {Readonly<Record<Exclude<State, "restarting" | "ended" | "failed">, Screen>>} */
export const SCREENS = {
  idle: {
    status: translate("Not recording"),
    title: translate("Ready when you are"),
    text: translate(
      "Your browser will ask for the microphone. Recording begins when you see that you are live, not before.",
    ),
    start: translate("Start talking"),
  },
  asking: {
    status: translate("Waiting for the microphone"),
    title: translate("Please allow the microphone"),
    text: translate("Your browser is asking, near the address bar. Nothing is recorded yet."),
  },
  connecting: {
    status: translate("Connecting"),
    title: translate("Connecting"),
    text: translate("This takes a moment."),
    cancel: translate("Cancel"),
  },
  queue: { status: translate("Waiting for a place"), title: "", text: "", cancel: translate("Leave the queue") },
  live: { status: translate("You are live") },
  reconnecting: { status: translate("Connection lost. Reconnecting; what you say is kept.") },
  ending: { status: translate("Saving the last words") },
};

/** Maps the states of the agent's turn to texts of the status line. */
export const TURNS = Object.freeze({
  listening: translate("You are live: speak"),
  thinking: translate("The machine is thinking"),
  speaking: translate("The machine is speaking"),
  interrupted: translate("You are live: speak"),
  discarded: translate("You are live: speak"),
});

export const SLOW = translate("The machine is thinking; this is taking longer than usual");
export const MISSED = translate("The machine did not hear what you said while the connection was lost. Please say it again.");
export const AWAY = translate("The machine is away for a moment; what you say is kept");

/** @param {number} position 1 is next @returns {Screen} */
export function queueScreen(position) {
  return {
    ...SCREENS.queue,
    title:
      position <= 1 ? translate("You are next") : translate("You are number %(position)s in the queue", { position }),
    text: translate(
      "All places are taken just now. Keep this page open: the talk begins by itself, and you will see it here.",
    ),
  };
}

const MACHINE_STOPPED = translate("The machine stopped");
const AGAIN = { start: translate("Start again") };
const ON = { next: translate("Continue") };

/** @type {Readonly<Record<string, Pick<Screen, "title" | "start" | "next">>>} */
const ENDINGS = {
  participant: { title: translate("Talk finished"), ...ON },
  limit: { title: translate("Time is up"), ...ON },
  engine_lost: { title: MACHINE_STOPPED, ...AGAIN },
  no_worker: { title: translate("The machine is not there just now"), start: translate("Try again") },
  abandoned: { title: translate("The connection was lost"), ...AGAIN },
  connection_lost: { title: translate("The connection was lost"), ...AGAIN },
  recording_failed: { title: translate("The recording stopped"), ...AGAIN },
  refused: { title: translate("The talk could not be opened"), start: translate("Try again") },
  another_tab: { title: translate("This was opened in another window"), start: translate("Go on here") },
  study_closed: { title: translate("The study has ended") },
  study_paused: { title: translate("The study is taking a break"), start: translate("Try again") },
  voice_withdrawn: { title: translate("The talk had to stop") },
  disk_full: { title: translate("The recording stopped") },
  withdrawn: { title: translate("You have withdrawn"), ...ON },
  no_consent: { title: translate("Your consent is needed first"), ...ON },
  take_over: { title: translate("This talk is over"), ...AGAIN },
  talk_done: { title: translate("Talk finished"), ...ON },
  session_over: { title: translate("This session is over"), ...ON },
};

/** @param {string} reason @param {string} text in the server's words @returns {Screen} */
export function endedScreen(reason, text) {
  const ending = ENDINGS[reason] ?? { title: translate("The talk ended"), start: translate("Try again") };
  return { status: translate("Not recording"), text, ...ending };
}

/** The screen after an earlier take broke off. @param {string} text in the server's words @returns {Screen} */
export function interruptedScreen(text) {
  return { ...SCREENS.idle, title: translate("Your talk was interrupted"), text, start: translate("Go on") };
}

/** The screen before a take that starts automatically. @param {string} text in the server's words @returns {Screen} */
export function restartingScreen(text) {
  return {
    status: translate("Not recording"),
    title: MACHINE_STOPPED,
    text,
    start: translate("Continue now"),
    cancel: translate("Stop here"),
  };
}

/** @param {string} title @param {string} text @returns {Screen} */
export function failedScreen(title, text) {
  return { status: translate("Not recording"), title, text, start: translate("Try again") };
}
