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
    const {F, T, nFft} = this;
    this.scaled = new Float32Array(T * F);
    this.chunkSize = 32 * this.hop;
    this.chunks = Math.max(1, Math.ceil(this.length / this.chunkSize));
    this._tables();
    this._window();
    this._constants();
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
    this.re = new Float64Array(nFft);
    this.im = new Float64Array(nFft);
    this.keptRow = new Float64Array(F);
    this.leftRow = new Float64Array(F);
    this.deltas = new Map();
    if (this.mel) this._pictureConstants();
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
    const shift = this.nFft / 2 - this.pad;
    const first = Math.max(0, Math.ceil((start + shift - this.win + 1) / this.hop));
    const last = index === this.chunks - 1
      ? this.T - 1
      : Math.min(this.T - 1, Math.floor((end - 1 + shift) / this.hop));
    let stale = false;
    for (let t = first; t <= last; t++) {
      this._updateFrame(t);
      if (this.frameStamp[t] > this.chunkStamp[index]) stale = true;
    }
    this.chunkStamp[index] = this.version;
    if (!stale) return null;
    const kept = new Float32Array(end - start);
    const left = new Float32Array(end - start);
    const {re, im, window, win, pad} = this;
    for (let t = first; t <= last; t++) {
      this._spectrum(t);
      this._inverse();
      const place = t * this.hop - shift - start;
      const from = Math.max(0, -place);
      const to = Math.min(win, end - start - place);
      for (let n = from; n < to; n++) {
        kept[place + n] += window[n] * re[pad + n];
        left[place + n] += window[n] * im[pad + n];
      }
    }
    for (let n = start; n < end; n++) {
      kept[n - start] *= this.level[n];
      left[n - start] *= this.level[n];
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
    let kept = 0;
    for (let t = 0; t < this.T; t++) kept += this.energy[t];
    return this.totalEnergy > 0 ? kept / this.totalEnergy : 0;
  }

  // ---- numerators ----------------------------------------------------------------------------

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

  // ---- one frame -----------------------------------------------------------------------------

  // |X_int| + i |X_2| with the clip's phase, Hermitian for each, in bit-reversed order: one
  // complex inverse FFT gives x_int in its real and x_2 in its imaginary part.
  _spectrum(t) {
    const {F, nFft, cos, sin, reversed, re, im, keptRow: kept, leftRow: left} = this;
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
    for (let f = 1; f < F - 1; f++) {
      const a = kept[f], b = left[f], c = cos[base + f], s = sin[base + f];
      const ac = a * c, bs = b * s, as = a * s, bc = b * c;
      const place = reversed[f], mirror = reversed[nFft - f];
      re[place] = ac - bs;
      im[place] = as + bc;
      re[mirror] = ac + bs;
      im[mirror] = bc - as;
      energy += a * a;
    }
    for (const f of [0, F - 1]) {
      re[reversed[f]] = kept[f] * cos[base + f];
      im[reversed[f]] = left[f] * cos[base + f];
      energy += kept[f] * kept[f];
    }
    this.energy[t] = energy;
    if (this.mel && t < this.shown) this._bands(t);
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

  // In-place inverse complex FFT of bit-reversed input; pairs of radix-2 stages done as one.
  _inverse() {
    const {re, im, nFft} = this;
    let m = 1;
    if (this.oddStages) {
      for (let i = 0; i < nFft; i += 2) {
        const r = re[i + 1], q = im[i + 1];
        re[i + 1] = re[i] - r;
        im[i + 1] = im[i] - q;
        re[i] += r;
        im[i] += q;
      }
      m = 2;
    }
    for (let stage = 0; m < nFft; stage++, m *= 4) {
      const w = this.twiddles[stage];
      const m2 = 2 * m, m3 = 3 * m, block = 4 * m;
      for (let base = 0; base < nFft; base += block) {
        for (let j = 0; j < m; j++) {
          const i0 = base + j, i1 = i0 + m, i2 = i0 + m2, i3 = i0 + m3;
          const w1r = w[6 * j], w1i = w[6 * j + 1];
          const w2r = w[6 * j + 2], w2i = w[6 * j + 3];
          const w3r = w[6 * j + 4], w3i = w[6 * j + 5];
          const x1r = re[i1], x1i = im[i1], x2r = re[i2], x2i = im[i2], x3r = re[i3], x3i = im[i3];
          const t1r = w1r * x1r - w1i * x1i, t1i = w1r * x1i + w1i * x1r;
          const t2r = w2r * x2r - w2i * x2i, t2i = w2r * x2i + w2i * x2r;
          const t3r = w3r * x3r - w3i * x3i, t3i = w3r * x3i + w3i * x3r;
          const x0r = re[i0], x0i = im[i0];
          const s0r = x0r + t1r, s0i = x0i + t1i, s1r = x0r - t1r, s1i = x0i - t1i;
          const s2r = t2r + t3r, s2i = t2i + t3i, s3r = t2r - t3r, s3i = t2i - t3i;
          re[i0] = s0r + s2r;
          im[i0] = s0i + s2i;
          re[i2] = s0r - s2r;
          im[i2] = s0i - s2i;
          re[i1] = s1r - s3i;
          im[i1] = s1i + s3r;
          re[i3] = s1r + s3i;
          im[i3] = s1i - s3r;
        }
      }
    }
  }

  // ---- the picture ---------------------------------------------------------------------------

  // Mel bands of the kept magnitudes: cheap, and all that the picture will need.
  _bands(t) {
    const {keptRow: row, bands} = this;
    const {bands: count, start, offset, weight} = this.mel;
    for (let band = 0; band < count; band++) {
      let sum = 0;
      for (let n = offset[band], bin = start[band]; n < offset[band + 1]; n++, bin++) {
        sum += weight[n] * row[bin];
      }
      bands[t * count + band] = sum;
    }
    this.unpainted[t] = 1;
  }

  // The picture as RGBA, one row a frame and low frequencies first: kept bands in colour, the rest
  // of the input grey and dim, as pages/shared/pictures.py draws them. After the sound.
  paint() {
    const {bands, whole, image, lut, shown, topDb, keptDb, reference, unpainted} = this;
    const count = this.mel.bands;
    const bits = new Uint32Array(bands.buffer), pixels = new Uint32Array(image.buffer);
    for (let t = 0; t < shown; t++) {
      if (!unpainted[t]) continue;
      unpainted[t] = 0;
      for (let i = t * count; i < (t + 1) * count; i++) {
        const level = bandLevel(bits[i]);
        const edge = (level - whole[i] - keptDb) / 6 + 0.5;
        const colour = edge < 0 ? 0 : edge > 1 ? 1 : edge;
        let grey = 0, r = 0, g = 0, b = 0;
        if (colour < 1) {
          const below = whole[i] - reference + topDb;
          grey = (1 - colour) * (10 + (70 * (below > 0 ? below : 0)) / topDb);
        }
        if (colour > 0) {
          const above = level - reference + topDb;
          const place = above <= 0 ? 0 : above >= topDb ? 255 : ((above * 255) / topDb) | 0;
          r = colour * lut[3 * place];
          g = colour * lut[3 * place + 1];
          b = colour * lut[3 * place + 2];
        }
        pixels[i] = (255 << 24) | ((b + grey) << 16) | ((g + grey) << 8) | (r + grey);
      }
    }
    return image;
  }

  _pictureConstants() {
    const {T, F, grown} = this;
    const {bands: count, start, offset, weight} = this.mel;
    this.bands = new Float32Array(T * count);
    this.whole = new Float32Array(T * count);
    this.unpainted = new Uint8Array(T);
    let loudest = -60; // far above what digital silence holds
    for (let t = 0; t < this.shown; t++) {
      for (let band = 0; band < count; band++) {
        let sum = 0;
        for (let n = offset[band], i = t * F + start[band]; n < offset[band + 1]; n++, i++) {
          sum += weight[n] * (grown[i] - 1);
        }
        const level = 20 * Math.log10(Math.max(sum, 1e-10));
        this.whole[t * count + band] = level;
        if (level > loudest) loudest = level;
      }
    }
    this.reference = loudest;
    this.keptDb = 20 * Math.log10(this.kept);
    this.image = new Uint8ClampedArray(4 * this.shown * count);
  }

  // ---- computed once -------------------------------------------------------------------------

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

  _tables() {
    const n = this.nFft;
    const bits = Math.round(Math.log2(n));
    this.reversed = new Uint32Array(n);
    for (let i = 1; i < n; i++) {
      this.reversed[i] = (this.reversed[i >> 1] >> 1) | ((i & 1) << (bits - 1));
    }
    this.oddStages = bits % 2 === 1;
    this.twiddles = [];
    for (let m = this.oddStages ? 2 : 1; m < n; m *= 4) {
      const w = new Float64Array(6 * m);
      for (let j = 0; j < m; j++) {
        // Input is bit-reversed: the second quarter carries the square, the third the plain root.
        [2, 1, 3].forEach((power, slot) => {
          w[6 * j + 2 * slot] = Math.cos((2 * Math.PI * j * power) / (4 * m));
          w[6 * j + 2 * slot + 1] = Math.sin((2 * Math.PI * j * power) / (4 * m));
        });
      }
      this.twiddles.push(w);
    }
  }

  // Periodic Hann window, and 1 / Σ w² of the overlapping windows at every sample, as torch.istft;
  // the latter with 1 / nFft of the FFT and the way back to the clip's own level.
  _window() {
    const {nFft, win, hop, T, length} = this;
    this.pad = Math.floor((nFft - win) / 2);
    this.window = new Float64Array(win);
    for (let n = 0; n < win; n++) this.window[n] = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / win);
    const envelope = new Float64Array(length);
    for (let t = 0; t < T; t++) {
      const place = t * hop + this.pad - nFft / 2;
      for (let n = Math.max(0, -place); n < Math.min(win, length - place); n++) {
        envelope[place + n] += this.window[n] ** 2;
      }
    }
    this.level = new Float32Array(length);
    for (let n = 0; n < length; n++) {
      this.level[n] = envelope[n] > 1e-11 ? 1 / (envelope[n] * nFft * this.gain) : 0;
    }
  }
}

// 20 log10 of a float32 (≥ 0) given by its bits, within 0.01 dB: exponent and table of mantissas.
const l2iMantissas = Float32Array.from(
  {length: 1024}, (_, i) => 20 * Math.log10(1 + (i + 0.5) / 1024),
);
function bandLevel(bits) {
  return bits < 0x2edbe6ff // 1e-10, where log-mel ends
    ? -200
    : 6.020599913279624 * ((bits >>> 23) - 127) + l2iMantissas[(bits >>> 13) & 1023];
}

// The arrays of one clip out of the bytes that live.py packed: a header in JSON, then the arrays.
function l2iUnpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(0, true);
  const clip = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const body = bytes.slice(4 + size).buffer; // copied, so that it is aligned and ours
  const kinds = {f4: Float32Array, i2: Int16Array, i4: Int32Array, u1: Uint8Array};
  const arrays = {};
  for (const [name, kind, offset, count] of clip.arrays) {
    arrays[name] = new kinds[kind](body, offset, count);
  }
  const {melStart, melOffset, melWeight, ...rest} = arrays;
  Object.assign(clip, rest);
  clip.mel = {bands: melStart.length, start: melStart, offset: melOffset, weight: melWeight};
  delete clip.arrays;
  return clip;
}

// Integrated loudness in LUFS (ITU-R BS.1770-4), with K-weighting as pyloudnorm designs it.
// −Infinity where every block is gated; a sound under 0.4 s is one block.
function l2iLoudness(sound, rate) {
  const weighted = biquad(biquad(sound, highShelf(4, Math.SQRT1_2, 1500, rate)),
    highPass(0.5, 38, rate));
  const block = Math.min(sound.length, Math.round(0.4 * rate));
  const hop = Math.max(1, Math.round(0.1 * rate));
  const powers = [];
  for (let start = 0; start + block <= sound.length; start += hop) {
    let sum = 0;
    for (let n = start; n < start + block; n++) sum += weighted[n] * weighted[n];
    powers.push(sum / block);
  }
  const level = power => -0.691 + 10 * Math.log10(power);
  const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
  const heard = powers.filter(power => level(power) >= -70);
  if (!heard.length) return -Infinity;
  const limit = level(mean(heard)) - 10;
  return level(mean(heard.filter(power => level(power) > limit)));
}

function highShelf(gain, quality, frequency, rate) {
  const a = 10 ** (gain / 40), w = (2 * Math.PI * frequency) / rate, cos = Math.cos(w);
  const slope = 2 * Math.sqrt(a) * (Math.sin(w) / (2 * quality));
  return [
    a * (a + 1 + (a - 1) * cos + slope), -2 * a * (a - 1 + (a + 1) * cos),
    a * (a + 1 + (a - 1) * cos - slope),
    a + 1 - (a - 1) * cos + slope, 2 * (a - 1 - (a + 1) * cos), a + 1 - (a - 1) * cos - slope,
  ];
}

function highPass(quality, frequency, rate) {
  const w = (2 * Math.PI * frequency) / rate, cos = Math.cos(w), alpha = Math.sin(w) / (2 * quality);
  return [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2, 1 + alpha, -2 * cos, 1 - alpha];
}

function biquad(sound, [b0, b1, b2, a0, a1, a2]) {
  const out = new Float64Array(sound.length);
  let x1 = 0, x2 = 0, y1 = 0, y2 = 0;
  for (let n = 0; n < sound.length; n++) {
    const x = sound[n];
    const y = (b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2) / a0;
    x2 = x1; x1 = x; y2 = y1; y1 = y;
    out[n] = y;
  }
  return out;
}
