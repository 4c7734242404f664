// What is kept, in mel bands, and its picture. No DOM, no globals.

class KeptBands {
  // clip: as `L2iCore` has it; grown: its 1 + |S| (T·F).
  constructor({T, F, mel, lut, topDb, kept, shown}, grown) {
    Object.assign(this, {mel, lut, topDb, shown});
    this.sums = new Float32Array(T * mel.bands);
    this.unpainted = new Uint8Array(T);
    this.keptDb = 20 * Math.log10(kept);
    this.image = new Uint8ClampedArray(4 * shown * mel.bands);
    const row = new Float64Array(F);
    for (let t = 0; t < shown; t++) {
      for (let f = 0; f < F; f++) row[f] = grown[t * F + f] - 1;
      this.take(t, row);
    }
    this.whole = this.sums.map(sum => 20 * Math.log10(Math.max(sum, 1e-10)));
    this.reference = this.whole.reduce((most, level) => Math.max(most, level), -60); // not silence
  }

  // One frame's kept magnitudes (F): cheap, and all that the picture will need.
  take(t, row) {
    if (t >= this.shown) return;
    const {bands, start, offset, weight} = this.mel;
    for (let band = 0; band < bands; band++) {
      let sum = 0;
      for (let n = offset[band], bin = start[band]; n < offset[band + 1]; n++, bin++) {
        sum += weight[n] * row[bin];
      }
      this.sums[t * bands + band] = sum;
    }
    this.unpainted[t] = 1;
  }

  // The picture as RGBA, one row a frame and low frequencies first: kept bands in colour, the rest
  // of the input grey and dim, as pages/show/pictures.py draws them. After the sound.
  paint() {
    const {sums, whole, image, lut, shown, topDb, keptDb, reference, unpainted} = this;
    const {bands} = this.mel;
    const bits = new Uint32Array(sums.buffer), pixels = new Uint32Array(image.buffer);
    for (let t = 0; t < shown; t++) {
      if (!unpainted[t]) continue;
      unpainted[t] = 0;
      for (let i = t * bands; i < (t + 1) * bands; i++) {
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
}

// 20 log10 of a float32 (≥ 0) given by its bits, within 0.01 dB: exponent and table of mantissas.
const MANTISSA = Float32Array.from({length: 1024}, (_, i) => 20 * Math.log10(1 + (i + 0.5) / 1024));
function bandLevel(bits) {
  return bits < 0x2edbe6ff // 1e-10, where log-mel ends
    ? -200
    : 6.020599913279624 * ((bits >>> 23) - 127) + MANTISSA[(bits >>> 13) & 1023];
}
