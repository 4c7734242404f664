// How the player writes numbers that change in the browser, as l2i_core/words.py does; all others
// come as words from the server.

function percent(share) {
  if (share === 0) return "0\u202f%";
  if (share < 5e-5) return "< 0.01\u202f%";
  const decimals = Math.min(3, Math.max(0, 1 - Math.floor(Math.log10(100 * share))));
  return `${(100 * share).toFixed(decimals)}\u202f%`;
}

function signed(value, decimals) {
  return value.toFixed(decimals).replace("-", "\u2212");
}

function decibels(factor) {
  return `${factor >= 1 ? "+" : ""}${signed(20 * Math.log10(factor), 1)}\u202fdB`;
}

// 312 → "312 Hz", 1234 → "1.23 kHz".
function hertz(frequency) {
  if (frequency < 1000) return `${frequency.toFixed(0)}\u202fHz`;
  return `${+(frequency / 1000).toPrecision(3)}\u202fkHz`;
}

// A level in dB below the loudest, as far as a picture of `depth` dB shows it.
function belowFull(level, depth) {
  if (level < -depth) return `< ${signed(-depth, 0)}\u202fdB`;
  return `${signed(Math.min(0, level), 0)}\u202fdB`;
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}
