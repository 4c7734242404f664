// One clip as one model hears it: its arrays, the worker that makes x_int and x_2 of it, and what
// was made. Another clip or model is another Clip, so that nothing of the old one outlives it.

class Clip {
  // bytes: as live.py packs them; tell: {chunk, image, done, failed}, called with what the worker
  // made: samples from `start` on, pixels, the figures of a render.
  constructor(bytes, tell) {
    this.content = unpack(bytes);
    const {melStart: start, melOffset: offset, melWeight: weight} = this.content;
    this.content.mel = {bands: start.length, start, offset, weight};
    this.rate = this.content.rate;
    this.ready = false; // whether all sounds were made once
    const silence = () => new Float32Array(this.content.length);
    this.sounds = {input: silence(), interpretation: silence(), residual: silence()};
    this.levels = null; // of the bands (shown · bands): the input's in dB, what is kept as magnitudes
    this.alone = null; // the components heard last
    this.requests = new Map(); // what to call once a request is answered
    this.request = 0;
    const address = URL.createObjectURL(new Blob([WORKER], {type: "text/javascript"}));
    this.worker = new Worker(address);
    URL.revokeObjectURL(address);
    this.worker.onmessage = ({data}) => this._answer(data, tell);
    this.worker.onerror = tell.failed;
    this.worker.postMessage({clip: this.content});
  }

  close() {
    this.worker.onmessage = this.worker.onerror = null;
    this.worker.terminate();
    for (const done of this.requests.values()) done();
  }

  // Resolves when the whole clip sounds as it should; the stretch at `position` (seconds) is first.
  render(gains, domain, position) {
    const id = ++this.request;
    this.asked = performance.now();
    this.worker.postMessage({gains, domain, id, position: Math.round(position * this.rate)});
    return new Promise(done => this.requests.set(id, done));
  }

  // A, B or C by name, or components alone.
  sound(name, domain) {
    if (name in this.sounds) return this.sounds[name];
    const components = /^component:([\d+]+)$/.exec(name)?.[1].split("+").map(Number) ?? [NaN];
    if (!components.every(k => k < this.content.K)) throw new RangeError(`no sound “${name}”`);
    const key = `${components} ${domain}`;
    if (this.alone?.key !== key) {
      const gains = new Float32Array(this.content.K);
      for (const k of components) gains[k] = 1;
      this.alone = {key, sound: this.together(gains, domain)};
    }
    return this.alone.sound;
  }

  // x_int of K gains, made here and now.
  together(gains, domain) {
    this.warm();
    this.core.setTarget(gains, domain);
    return this.core.render().kept;
  }

  // What takes time before the first component alone.
  warm() {
    this.core ??= new L2iCore({...this.content, mel: null});
  }

  _answer({input, whole, reference, image, levels, chunk, done, ...figures}, tell) {
    if (input) {
      this.sounds.input.set(input);
      this.levels = {whole, reference, kept: null};
    }
    if (image) {
      this.levels.kept = levels;
      tell.image(image);
    }
    if (chunk) {
      this.sounds.interpretation.set(chunk.kept, chunk.start);
      this.sounds.residual.set(chunk.left, chunk.start);
      tell.chunk(chunk);
    }
    if (!done) return;
    if (!this.ready) setTimeout(() => this.worker.onmessage && this.warm(), 500);
    this.ready = true;
    tell.done({...figures, roundTrip: performance.now() - this.asked});
    for (const id of done) {
      this.requests.get(id)?.();
      this.requests.delete(id);
    }
  }
}
