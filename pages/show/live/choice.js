// What the user settled on, as `Choice` in live.py: τ, mask domain, gains of single components.

class Choice {
  constructor(tau, domain, overrides) {
    this.tau = tau;
    this.domain = domain;
    this.overrides = new Map(Object.entries(overrides).map(([k, gain]) => [Number(k), gain]));
  }

  // K gains of components with these relevances (K, float32).
  gains(relevance) {
    return relevance.map((_, k) => this.overrides.get(k) ?? this._byTau(relevance[k]));
  }

  override(k, gain, relevance) {
    const rounded = Math.round(100 * Math.min(1, Math.max(0, gain))) / 100;
    if (rounded === this._byTau(relevance[k])) this.overrides.delete(k);
    else this.overrides.set(k, rounded);
  }

  get token() {
    const own = [...this.overrides].sort(([a], [b]) => a - b);
    const gains = own.map(([k, gain]) => `-${k}_${Math.round(100 * gain)}`).join("");
    return `${this.domain}-${Math.round(100 * this.tau)}${gains}`;
  }

  _byTau(relevance) {
    return relevance > Math.fround(this.tau) ? 1 : 0;
  }
}
