// The inverse STFT of two spectra at once, equal to torch.istft of each: x_int in the real and x_2
// in the imaginary part of one complex FFT. No DOM, no globals.

class InverseStft {
  // nFft, win, hop in samples; T frames make `length` samples, which were once scaled by `gain`.
  constructor({nFft, win, hop, T, length, gain}) {
    Object.assign(this, {nFft, win, hop, T, length});
    this.pad = Math.floor((nFft - win) / 2);
    this.shift = nFft / 2 - this.pad; // from the first window's begin to the clip's
    this.re = new Float64Array(nFft);
    this.im = new Float64Array(nFft);
    this._tables();
    this._window(gain);
  }

  // The first and last frame that reach into the samples from start up to end.
  frames(start, end) {
    const {shift, win, hop, T} = this;
    const first = Math.max(0, Math.ceil((start + shift - win + 1) / hop));
    const last = Math.min(T - 1, Math.floor((end - 1 + shift) / hop));
    return [first, end === this.length ? T - 1 : last];
  }

  // One frame of both magnitudes with one phase (cosine and sine from `base` on), Hermitian for
  // each, in bit-reversed order.
  put(kept, left, cos, sin, base) {
    const {nFft, reversed, re, im} = this;
    const half = nFft / 2;
    for (let f = 1; f < half; f++) {
      const a = kept[f], b = left[f], c = cos[base + f], s = sin[base + f];
      const ac = a * c, bs = b * s, as = a * s, bc = b * c;
      const place = reversed[f], mirror = reversed[nFft - f];
      re[place] = ac - bs;
      im[place] = as + bc;
      re[mirror] = ac + bs;
      im[mirror] = bc - as;
    }
    for (const f of [0, half]) {
      re[reversed[f]] = kept[f] * cos[base + f];
      im[reversed[f]] = left[f] * cos[base + f];
    }
  }

  // Adds the inverse of what was put as frame t, at the clip's own level, to samples that begin at
  // `start`.
  add(t, start, kept, left) {
    this._inverse();
    const {re, im, window, level, win, pad} = this;
    const place = t * this.hop - this.shift - start;
    const to = Math.min(win, kept.length - place);
    for (let n = Math.max(0, -place); n < to; n++) {
      const weight = window[n] * level[start + place + n];
      kept[place + n] += weight * re[pad + n];
      left[place + n] += weight * im[pad + n];
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
  _window(gain) {
    const {nFft, win, hop, shift, T, length} = this;
    this.window = new Float64Array(win);
    for (let n = 0; n < win; n++) this.window[n] = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / win);
    const envelope = new Float64Array(length);
    for (let t = 0; t < T; t++) {
      const place = t * hop - shift;
      for (let n = Math.max(0, -place); n < Math.min(win, length - place); n++) {
        envelope[place + n] += this.window[n] ** 2;
      }
    }
    this.level = Float32Array.from(envelope, e => (e > 1e-11 ? 1 / (e * nFft * gain) : 0));
  }
}
