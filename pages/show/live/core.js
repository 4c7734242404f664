// Algorithm 2 in plain JavaScript: soft mask, mask domain, inverse STFT. No DOM, no globals.
//
// The same text runs in the worker (live τ) and on the page (one component alone), so both make
// the same sound. What is costly and fixed for a clip is computed once: 1 / (W H), |S|, and the
// phase as cosine and sine. A change of the selection adds or takes away single components from
// the masks' numerators, frame by frame, and frames in which those components are silent are not
// touched at all.

class L2iCore {
  // clip: {F, T, K, nFft, hop, win, length, gain, X (T·F), phase (T·F, int16, π = 32767),
  // W (K·F), H (T·K), mel: {bands, start, offset, weight}, lut (256·3), topDb, kept, shown}.
  constructor(clip) {
    Object.assign(this, clip);
    const {F, T} = this;
    this.scaled = new Float32Array(T * F);
    this.chunkSize = 32 * this.hop;
    this.chunks = Math.max(1, Math.ceil(this.length / this.chunkSize));
    this.stft = new InverseStft(clip);
    this._constants();
    this.bands = this.mel && new KeptBands(clip, this.grown);
    this.none = {gains: new Float32Array(this.K), empty: true, full: false};
    this.target = this.none;
    this.domain = "log";
    this._scale();
    this.version = 1;
    this.numerator = new Float32Array(T * F);
    this.frameGains = new Array(T).fill(this.none);
    this.frameAge = new Uint16Array(T);
    this.frameStamp = new Float64Array(T).fill(1);
    this.chunkStamp = new Float64Array(this.chunks);
    this.energy = new Float64Array(T);
    this.keptRow = new Float64Array(F);
    this.leftRow = new Float64Array(F);
    this.deltas = new Map();
  }

  // What to sound like: K gains in [0, 1] and the mask domain.
  setTarget(gains, domain) {
    this.version += 1;
    this.deltas.clear();
    this.target = {
      gains,
      empty: gains.every(g => g === 0),
      full: gains.every(g => g === 1),
    };
    if (domain !== this.domain) {
      this.domain = domain;
      this._scale();
      this.frameStamp.fill(this.version);
    }
  }

  // x_int and x_2 for the samples of one chunk, or null where they are as they were.
  renderChunk(index) {
    const start = index * this.chunkSize;
    const end = Math.min(start + this.chunkSize, this.length);
    const [first, last] = this.stft.frames(start, end);
    let stale = false;
    for (let t = first; t <= last; t++) {
      this._updateFrame(t);
      if (this.frameStamp[t] > this.chunkStamp[index]) stale = true;
    }
    this.chunkStamp[index] = this.version;
    if (!stale) return null;
    const kept = new Float32Array(end - start);
    const left = new Float32Array(end - start);
    for (let t = first; t <= last; t++) {
      this._frame(t);
      this.stft.put(this.keptRow, this.leftRow, this.cos, this.sin, t * this.F);
      this.stft.add(t, start, kept, left);
    }
    if (this.target.empty) kept.fill(0); // not the FFT's rounding errors
    return {start, kept, left};
  }

  // The whole of x_int and x_2.
  render() {
    const kept = new Float32Array(this.length);
    const left = new Float32Array(this.length);
    this.chunkStamp.fill(0);
    for (let index = 0; index < this.chunks; index++) {
      const chunk = this.renderChunk(index);
      kept.set(chunk.kept, chunk.start);
      left.set(chunk.left, chunk.start);
    }
    return {kept, left};
  }

  // Share of the input's energy that passes into x_int.
  energyKept() {
    const kept = this.energy.reduce((sum, energy) => sum + energy, 0);
    return this.totalEnergy > 0 ? kept / this.totalEnergy : 0;
  }

  // Frame t of the masks' numerators, from what it was to the target.
  _updateFrame(t) {
    const old = this.frameGains[t];
    if (old === this.target) return;
    this.frameGains[t] = this.target;
    let delta = this.deltas.get(old);
    if (!delta) this.deltas.set(old, (delta = this._delta(old.gains)));
    const {F, K, W, H, numerator} = this;
    const changed = delta.components;
    let sounds = false;
    for (let i = 0; i < changed.length && !sounds; i++) sounds = H[t * K + changed[i]] !== 0;
    // Rounding errors of many additions would pile up: start anew now and then.
    const anew = delta.anew || this.frameAge[t] > 250;
    if (!sounds && !(anew && this.target.empty)) return;
    this.frameStamp[t] = this.version;
    const base = t * F;
    if (anew) {
      numerator.fill(0, base, base + F);
      this.frameAge[t] = 0;
    } else this.frameAge[t] += 1;
    const list = anew ? delta.sounding : changed;
    for (let i = 0; i < list.length; i++) {
      const k = list[i];
      const weight = (anew ? this.target.gains[k] : delta.steps[i]) * H[t * K + k];
      if (weight === 0) continue;
      const column = k * F;
      for (let f = 0; f < F; f++) numerator[base + f] += weight * W[column + f];
    }
  }

  _delta(old) {
    const gains = this.target.gains;
    const components = [], steps = [], sounding = [];
    for (let k = 0; k < this.K; k++) {
      if (gains[k] > 0) sounding.push(k);
      if (gains[k] !== old[k]) {
        components.push(k);
        steps.push(gains[k] - old[k]);
      }
    }
    return {components, steps, sounding, anew: sounding.length <= components.length};
  }

  // |X_int| and |X_2| of frame t, into keptRow and leftRow.
  _frame(t) {
    const {F, keptRow: kept, leftRow: left} = this;
    const base = t * F;
    if (this.target.empty || this.target.full) {
      const whole = this.target.full ? kept : left;
      for (let f = 0; f < F; f++) {
        kept[f] = left[f] = 0;
        whole[f] = this.grown[base + f] - 1;
      }
    } else if (this.domain === "log") this._logFrame(base);
    else this._linearFrame(base);
    let energy = 0;
    for (let f = 0; f < F; f++) energy += kept[f] * kept[f];
    this.energy[t] = energy;
    this.bands?.take(t, kept);
  }

  // exp(X_int) · exp(X_2) = exp(X) = 1 + |S|: one exponential serves both. It is read from a table
  // with a cubic between the entries (relative error 1e-11): Math.exp took most of the time.
  _logFrame(base) {
    const {F, numerator, scaled, grown, exponentials, keptRow: kept, leftRow: left} = this;
    for (let f = 0; f < F; f++) {
      const x = numerator[base + f] * scaled[base + f];
      const steps = x > 0 ? (x * 256) | 0 : 0;
      const d = x > 0 ? x - steps / 256 : 0;
      const e = exponentials[steps] * (1 + d * (1 + d * (0.5 + d * 0.16666666666666666)));
      kept[f] = e - 1;
      left[f] = grown[base + f] / e - 1;
    }
  }

  _linearFrame(base) {
    const {F, numerator, scaled, grown, keptRow: kept, leftRow: left} = this;
    for (let f = 0; f < F; f++) {
      const a = numerator[base + f] * scaled[base + f];
      kept[f] = a > 0 ? a : 0;
      left[f] = grown[base + f] - 1 - kept[f];
    }
  }

  _constants() {
    const {F, T, X, phase} = this;
    this.grown = new Float32Array(T * F); // 1 + |S|
    this.cos = new Float32Array(T * F);
    this.sin = new Float32Array(T * F);
    this.inverse = new Float32Array(T * F);
    this.totalEnergy = 0;
    const row = new Float64Array(F);
    let largest = 0;
    for (let t = 0; t < T; t++) {
      const base = t * F;
      this._denominator(t, row);
      for (let f = 0; f < F; f++) {
        const i = base + f;
        const whole = Math.expm1(X[i]);
        const angle = (phase[i] * Math.PI) / 32767;
        this.grown[i] = 1 + whole;
        if (X[i] > largest) largest = X[i];
        this.cos[i] = Math.cos(angle);
        this.sin[i] = Math.sin(angle);
        this.inverse[i] = row[f] > 1e-12 ? 1 / row[f] : 0; // W H = 0: the bin is residual
        this.totalEnergy += whole * whole;
      }
    }
    const entries = Math.ceil(256 * largest) + 3;
    this.exponentials = Float64Array.from({length: entries}, (_, i) => Math.exp(i / 256));
  }

  _denominator(t, row) {
    const {F, K, W, H} = this;
    row.fill(0);
    for (let k = 0; k < K; k++) {
      const h = H[t * K + k];
      if (h === 0) continue;
      for (let f = 0, column = k * F; f < F; f++) row[f] += h * W[column + f];
    }
  }

  // What turns a numerator into the masked (log-)magnitude: X / (W H) or |S| / (W H).
  _scale() {
    const {scaled, inverse, X, grown} = this;
    const log = this.domain === "log";
    for (let i = 0; i < scaled.length; i++) scaled[i] = inverse[i] * (log ? X[i] : grown[i] - 1);
  }
}
