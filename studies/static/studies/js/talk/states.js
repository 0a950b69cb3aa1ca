import { translate } from "../i18n.js";

/**
 * @typedef {"idle" | "asking" | "connecting" | "queue" | "live" | "reconnecting" | "paused" | "ending" | "restarting" | "ended" | "failed"} State
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
      "Your browser will ask for the microphone. Recording begins only when you see that you are live.",
    ),
    start: translate("Start talking"),
  },
  asking: {
    status: translate("Waiting for the microphone"),
    title: translate("Please allow the microphone"),
    text: translate("Your browser is asking for permission near the address bar. Nothing is being recorded yet."),
  },
  connecting: {
    status: translate("Connecting"),
    title: translate("Connecting"),
    text: translate("This takes a moment."),
    cancel: translate("Cancel"),
  },
  queue: { status: translate("Waiting for a place"), title: "", text: "", cancel: translate("Leave the queue") },
  live: { status: translate("You are live") },
  reconnecting: { status: translate("Connection lost. Reconnecting; what you say is being saved.") },
  paused: { status: translate("Paused: your system has muted the microphone. Please unmute it.") },
  ending: { status: translate("Saving your last words") },
};

/** Maps the states of the agent's turn to texts of the status line. */
export const TURNS = Object.freeze({
  listening: translate("You are live: speak"),
  thinking: translate("The machine is thinking"),
  speaking: translate("The machine is speaking"),
  interrupted: translate("You are live: speak"),
  discarded: translate("You are live: speak"),
});

export const MUTED = translate("You are muted: the machine does not hear you");
export const SLOW = translate("The machine is thinking; this is taking longer than usual");
export const AWAY = translate("The machine is unavailable for a moment; what you say is being saved");

export const UNHEARD = translate(
  "The machine did not hear what you said while the connection was lost. It is recorded, but please say it again.",
);

/** @param {number} position 1 is next @returns {Screen} */
export function queueScreen(position) {
  return {
    ...SCREENS.queue,
    title:
      position <= 1 ? translate("You are next") : translate("You are number %(position)s in the queue", { position }),
    text: translate(
      "All places are taken right now. Keep this page open: the conversation begins automatically, and you will see it here.",
    ),
  };
}

const MACHINE_STOPPED = translate("The machine stopped");
const AGAIN = { start: translate("Start again") };
const ON = { next: translate("Continue") };

/** @type {Readonly<Record<string, Pick<Screen, "title" | "start" | "next">>>} */
const ENDINGS = {
  participant: { title: translate("Conversation finished"), ...ON },
  limit: { title: translate("Time is up"), ...ON },
  engine_lost: { title: MACHINE_STOPPED, ...AGAIN },
  no_worker: { title: translate("The machine is not available right now"), start: translate("Try again") },
  microphone_lost: { title: translate("The microphone was lost"), ...AGAIN },
  abandoned: { title: translate("The connection was lost"), ...AGAIN },
  connection_lost: { title: translate("The connection was lost"), ...AGAIN },
  recording_failed: { title: translate("The recording stopped"), ...AGAIN },
  refused: { title: translate("The conversation could not be started"), start: translate("Try again") },
  another_tab: { title: translate("This session was opened in another window"), start: translate("Continue here") },
  study_closed: { title: translate("The study has ended") },
  study_paused: { title: translate("The study is paused"), start: translate("Try again") },
  voice_withdrawn: { title: translate("The conversation had to be stopped") },
  disk_full: { title: translate("The recording stopped") },
  withdrawn: { title: translate("You have withdrawn"), ...ON },
  no_consent: { title: translate("Your consent is needed first"), ...ON },
  take_over: { title: translate("This conversation has ended"), ...AGAIN },
  talk_done: { title: translate("Conversation finished"), ...ON },
  session_over: { title: translate("This session has ended"), ...ON },
};

/** @param {string} reason @param {string} text in the server's words @returns {Screen} */
export function endedScreen(reason, text) {
  const ending = ENDINGS[reason] ?? { title: translate("The conversation ended"), start: translate("Try again") };
  return { status: translate("Not recording"), text, ...ending };
}

/**
 * The screen after the microphone was lost.
 * @param {import("../audio/microphone-problem.js").MicrophoneProblem} problem
 * @param {string} text in the server's words
 * @returns {Screen}
 */
export function lostScreen({ title, message }, text) {
  return { status: translate("Not recording"), title, text: `${message} ${text}`, ...AGAIN };
}

/** The screen after an earlier take broke off. @param {string} text in the server's words @returns {Screen} */
export function interruptedScreen(text) {
  return { ...SCREENS.idle, title: translate("Your conversation was interrupted"), text, start: translate("Continue") };
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
