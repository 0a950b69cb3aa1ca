// What the talk page and its Worker say to each other.

import type { Catalogue } from "../i18n.js";
import type { BufferEvent } from "../worklets/jitter-buffer.js";
import type { EventData } from "../contract/wire.js";
import type { CaptureSource } from "../audio/capture-source.js";
import type { Level } from "../audio/level-gauge.js";
import type { SocketAddress } from "./talk-socket.js";

/** What the browser really applied; stored with the take. */
export type DeviceSettings = Record<string, unknown>;

export type ToWorker =
  | { do: "listen"; source: CaptureSource; latencyMs: number; settings: DeviceSettings } // also a change of microphone
  | {
      do: "open";
      address: SocketAddress;
      playbackPort: MessagePort;
      monitorPort: MessagePort | null;
      catalogue: Catalogue | null; // a Worker has no page to read it from
    }
  | { do: "monitor"; level: number } // participants hear themselves as the engine does; 0 ends it
  | { do: "mute"; muted: boolean }
  | { do: "outputClock"; offsetMs: number } // wall time at which the playback context's time 0 sounded
  | { do: "end" };

export type FromWorker =
  | { say: "level"; level: Level }
  | { say: "hello"; limitMs: number; elapsedMs: number }
  | { say: "queue"; position: number }
  | { say: "live" }
  | { say: "lost" } // the connection; being sought
  | { say: "event"; event: string; data: EventData } // words, transcript, turn, away
  | { say: "sounding"; step: number }
  | { say: "slip"; samples: number }
  | { say: "buffer"; change: BufferEvent["change"]; underruns: number }
  | { say: "ended"; reason: string; message: string };
