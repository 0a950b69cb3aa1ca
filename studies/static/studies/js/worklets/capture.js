const BLOCK_SEC = 0.01;

/**
 * Captures the microphone in browsers without MediaStreamTrackProcessor. Sends blocks of about 10 ms with the context
 * frame of their first sample, so that skipped render quanta can be detected.
 * @typedef {{frame: number, samples: Float32Array<ArrayBuffer>}} CapturedBlock
 */
class CaptureProcessor extends AudioWorkletProcessor {
  #port = /** @type {MessagePort | null} */ (null);
  #block = new Float32Array(Math.ceil(sampleRate * BLOCK_SEC));
  #filled = 0;
  #frame = 0; // of #block[0]

  constructor() {
    super();
    this.port.onmessage = ({ data }) => (this.#port = data.port); // undefined: the microphone was closed
  }

  /** @param {Float32Array[][]} inputs */
  process([[input]]) {
    if (this.#port === null) return true;
    if (input !== undefined) this.#append(this.#port, input); // A source that has ended has no channels.
    return this.#port !== undefined;
  }

  /** @param {MessagePort} port @param {Float32Array} input */
  #append(port, input) {
    if (this.#filled > 0 && currentFrame !== this.#frame + this.#filled) this.#send(port);
    for (let n = 0; n < input.length; n++) {
      if (this.#filled === 0) this.#frame = currentFrame + n;
      this.#block[this.#filled++] = input[n];
      if (this.#filled === this.#block.length) this.#send(port);
    }
  }

  /** @param {MessagePort} port */
  #send(port) {
    const samples = this.#block.slice(0, this.#filled);
    port.postMessage({ frame: this.#frame, samples }, [samples.buffer]);
    this.#filled = 0;
  }
}

registerProcessor("capture", CaptureProcessor);
