// How loud sounds are, and the gains at which they are compared. No DOM, no globals.

// The gain of each sound, by name. True level: one for all, the input's peak at `peak`, less where
// another would clip. Matched: each is brought to the input's loudness, and all are lowered
// together where one would clip. Nothing is raised more than `most` times.
function gainsOf(sounds, {peak, most, rate}, matched) {
  const names = Object.keys(sounds);
  const peaks = Object.fromEntries(names.map(name => [name, peakOf(sounds[name])]));
  const common = peaks.input > 0 ? Math.min(peak / peaks.input, most) : 1;
  const gains = Object.fromEntries(names.map(name => [name, common]));
  const target = matched && loudness(sounds.input, rate);
  for (const name of matched ? names : []) {
    const difference = target - loudness(sounds[name], rate);
    if (Number.isFinite(difference)) gains[name] *= Math.min(most, 10 ** (difference / 20));
  }
  const loudest = Math.max(...names.map(name => peaks[name] * gains[name]));
  if (loudest > 0.99) for (const name of names) gains[name] *= 0.99 / loudest;
  return gains;
}

function peakOf(sound) {
  let most = 0;
  for (let n = 0; n < sound.length; n++) most = Math.max(most, Math.abs(sound[n]));
  return most;
}

// Integrated loudness in LUFS (ITU-R BS.1770-4), with K-weighting as pyloudnorm designs it.
// −Infinity where every block is gated; a sound under 0.4 s is one block.
function loudness(sound, rate) {
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
  const w = (2 * Math.PI * frequency) / rate, cos = Math.cos(w);
  const alpha = Math.sin(w) / (2 * quality);
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
