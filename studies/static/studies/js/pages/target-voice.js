import { VoiceRecording } from "../voice/voice-recording.js";

for (const root of document.querySelectorAll("[data-voice]"))
  if (root instanceof HTMLElement && root.querySelector('[data-part="file"]')) new VoiceRecording(root);
