// The messages between the talk page and its Worker.

import type { Catalogue } from "../i18n.js";
import type { BufferEvent } from "../worklets/jitter-buffer.js";
import type { EventData } from "../contract/wire.js";
import type { CaptureSource } from "../audio/capture-source.js";
import type { Level } from "../audio/level-gauge.js";
import type { SocketAddress } from "./talk-socket.js";

/** The settings that the browser applied, which are stored with the take. */
export type DeviceSettings = Record<string, unknown>;

/** Why the page ends a talk. */
export type EndReason = "participant" | "microphone_lost";

export type ToWorker =
  | { do: "listen"; source: CaptureSource; latencyMs: number; settings: DeviceSettings } // also changes microphones
  | {
      do: "open";
      address: SocketAddress;
      playbackPort: MessagePort;
      monitorPort: MessagePort | null;
      catalogue: Catalogue | null; // A Worker has no page from which to read it.
    }
  | { do: "monitor"; level: number } // level at which participants hear themselves as the engine does; 0 ends it
  | { do: "mute"; muted: boolean }
  | { do: "pause"; paused: boolean } // whether the system has muted the microphone, so that nothing may come from it
  | { do: "outputClock"; offsetMs: number } // wall-clock time of the playback context's time 0
  | { do: "end"; reason: EndReason };

export type FromWorker =
  | { say: "level"; level: Level }
  | { say: "hello"; limitMs: number; elapsedMs: number }
  | { say: "queue"; position: number }
  | { say: "live" }
  | { say: "lost" } // the connection was lost and is being restored
  | { say: "unheard" } // what was said while there was no connection is kept, but the engine did not hear it
  | { say: "stalled" } // nothing comes from the microphone any more
  | { say: "event"; event: string; data: EventData } // words, transcript, noticed, turn, away
  | { say: "sounding"; step: number }
  | { say: "slip"; samples: number }
  | { say: "buffer"; change: BufferEvent["change"]; underruns: number }
  | { say: "ended"; reason: string; message: string };
