/**
 * The source of the microphone's audio: the stream of a MediaStreamTrackProcessor if the browser has one, otherwise the
 * port of the capture worklet.
 * @typedef {{method: "processor", readable: ReadableStream<AudioData>}
 *   | {method: "worklet", port: MessagePort, rateHz: number}} CaptureSource
 */

/**
 * @callback OnBlock
 * @param {Float32Array} samples mono
 * @param {number} rateHz
 * @param {number} clockMs when it was captured (processor) or arrived (worklet), on a monotonic clock
 * @param {number} missing samples before this block that the source knows to be missing
 */

/**
 * Reads a source in this thread until the returned function is called.
 * @param {CaptureSource} source
 * @param {OnBlock} onBlock
 * @returns {() => void}
 */
export function openSource(source, onBlock) {
  return source.method === "processor" ? readTrack(source.readable, onBlock) : readPort(source, onBlock);
}

/** @param {ReadableStream<AudioData>} readable @param {OnBlock} onBlock */
function readTrack(readable, onBlock) {
  const reader = readable.getReader();
  let open = true;
  const read = async () => {
    for (;;) {
      const { value: data, done } = await reader.read();
      if (done) return;
      const samples = mono(data);
      const { sampleRate, timestamp } = data;
      data.close();
      if (open) onBlock(samples, sampleRate, timestamp / 1_000, 0);
    }
  };
  // The track has ended or was stopped. The page watches the track and reports this.
  read().catch(() => {});
  return () => {
    open = false;
    reader.cancel().catch(() => {});
  };
}

/** @param {{port: MessagePort, rateHz: number}} source @param {OnBlock} onBlock */
function readPort({ port, rateHz }, onBlock) {
  let expected = NaN;
  port.onmessage = (message) => {
    const { frame, samples } = /** @type {import("../worklets/capture.js").CapturedBlock} */ (message.data);
    const missing = Math.max(0, frame - expected || 0);
    expected = frame + samples.length;
    onBlock(samples, rateHz, performance.now(), missing);
  };
  return () => port.close();
}

/** Returns the mean of all channels. @param {AudioData} data */
function mono(data) {
  const samples = new Float32Array(data.numberOfFrames);
  data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
  if (data.numberOfChannels === 1) return samples;
  const other = new Float32Array(data.numberOfFrames);
  for (let plane = 1; plane < data.numberOfChannels; plane++) {
    data.copyTo(other, { planeIndex: plane, format: "f32-planar" });
    for (let n = 0; n < samples.length; n++) samples[n] += other[n];
  }
  return samples.map((sample) => sample / data.numberOfChannels);
}
