import { SAMPLE_RATE_HZ } from "../contract/audio.js";
import { LevelGauge } from "../audio/level-gauge.js";
import { JitterBuffer } from "./jitter-buffer.js";

/**
 * Plays the agent's voice in a context of 24 kHz. The node's own port takes `{port}` once and sends the agent's level.
 * On the given port, steps arrive as `{step, pcm}` and reports are sent.
 * @typedef {object} PlaybackReport
 * @property {{step: number, contextSec: number}} [began] a step began to sound at this context time
 * @property {import("./jitter-buffer.js").BufferEvent} [buffer] the jitter buffer changed its state
 * @property {number} depth_samples
 * @property {number} underruns
 */
class PlaybackProcessor extends AudioWorkletProcessor {
  #port = /** @type {MessagePort | null} */ (null);
  #open = true;
  #gauge = new LevelGauge(SAMPLE_RATE_HZ / 20);
  #buffer = new JitterBuffer((buffer) => this.#report({ buffer }));

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.port === null) this.#open = false;
      else this.#connect(data.port);
    };
  }

  /** @param {MessagePort} port */
  #connect(port) {
    this.#port = port;
    port.onmessage = ({ data }) => this.#buffer.push(data.step, data.pcm);
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, [[output]]) {
    const began = this.#buffer.pull(output);
    if (began !== null)
      this.#report({ began: { step: began.step, contextSec: (currentFrame + began.offset) / sampleRate } });
    const level = this.#gauge.push(output);
    if (level !== null) this.port.postMessage(level);
    return this.#open;
  }

  /** @param {Partial<PlaybackReport>} report */
  #report(report) {
    this.#port?.postMessage({ ...report, depth_samples: this.#buffer.depth, underruns: this.#buffer.underruns });
  }
}

registerProcessor("playback", PlaybackProcessor);
