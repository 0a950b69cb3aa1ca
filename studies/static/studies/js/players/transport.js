/**
 * Plays several buffers on one clock: all start at the same sample of one audio context and stay together. Tracks are
 * silenced by their gain, never stopped.
 */
export class Transport {
  onEnd = () => {};
  #context = new AudioContext();
  #buffers = /** @type {AudioBuffer[]} */ ([]);
  #gains = /** @type {GainNode[]} */ ([]);
  #sources = /** @type {AudioBufferSourceNode[]} */ ([]);
  #startedAt = 0; // context time of position 0
  #position = 0; // while paused

  /** @param {ArrayBuffer} encoded @returns {Promise<AudioBuffer>} also the next track */
  async add(encoded) {
    const buffer = await this.#context.decodeAudioData(encoded);
    const gain = this.#context.createGain();
    gain.connect(this.#context.destination);
    this.#buffers.push(buffer);
    this.#gains.push(gain);
    return buffer;
  }

  get duration() {
    return Math.max(0, ...this.#buffers.map((buffer) => buffer.duration));
  }

  get playing() {
    return this.#sources.length > 0;
  }

  get position() {
    if (!this.playing) return this.#position;
    return Math.max(0, Math.min(this.duration, this.#context.currentTime - this.#startedAt));
  }

  async play() {
    await this.#context.resume();
    if (this.playing) return;
    if (this.#position >= this.duration) this.#position = 0;
    const when = this.#context.currentTime + 0.05; // far enough ahead for all of them
    this.#startedAt = when - this.#position;
    this.#sources = this.#buffers.map((buffer, track) => {
      const source = new AudioBufferSourceNode(this.#context, { buffer });
      source.connect(this.#gains[track]);
      source.start(when, this.#position);
      return source;
    });
    const longest = this.#sources[this.#buffers.findIndex((buffer) => buffer.duration === this.duration)];
    longest.onended = () => this.#ended();
  }

  pause() {
    this.#position = this.position;
    this.#stop();
  }

  /** @param {number} sec */
  async seek(sec) {
    const playing = this.playing;
    this.#stop();
    this.#position = Math.max(0, Math.min(this.duration, sec));
    if (playing) await this.play();
  }

  /** @param {number} track @param {boolean} audible */
  setAudible(track, audible) {
    this.#gains[track]?.gain.setTargetAtTime(audible ? 1 : 0, this.#context.currentTime, 0.01);
  }

  close() {
    this.#stop();
    this.#context.close();
  }

  #ended() {
    this.#stop();
    this.#position = this.duration;
    this.onEnd();
  }

  #stop() {
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
    }
    this.#sources = [];
  }
}
