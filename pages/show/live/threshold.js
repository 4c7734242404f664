// The slider of τ with what it selects, and what the mask works on.

class Threshold {
  constructor(live) {
    this.live = live;
    this.held = false; // the pointer is on it: no answer of the server takes τ out of the hand
    const id = `l2i-tau-${Math.random().toString(36).slice(2)}`;
    this.slider = node("input", {
      type: "range", min: 0, step: 0.01, id, class: "l2i-tau",
      "aria-label": "τ, the relevance a component needs to be heard",
      on: {
        pointerdown: () => (this.held = true),
        input: () => live.setThreshold(Number(this.slider.value)),
        change: () => {
          // With the mouse this is the release; with the keyboard there is one for each key.
          if (this.held) live.release();
          else live.soon();
          this.held = false;
        },
        pointercancel: () => (this.held = false),
        keyup: () => live.patience && live.soon(),
      },
    });
    this.value = node("output", {for: id, class: "l2i-value"});
    this.summary = node("p", {class: "l2i-summary"});
    this.root = node("div", {class: "l2i-row"},
      node("label", {for: id, class: "l2i-tau-label"}, "τ"), this.slider, this.value, this.summary);
    this.domain = choices("The mask works on",
      [["log", "log magnitudes (paper)"], ["linear", "magnitudes (B + C = A)"]], domain => {
        live.setDomain(domain);
        live.release();
      });
    this.below = node("label", {class: "l2i-domain l2i-note"}, "The mask works on ", this.domain);
  }

  show() {
    const {data, threshold, domain, own} = this.live;
    const text = threshold.toFixed(2);
    this.slider.max = data.maxTau;
    this.slider.value = text;
    this.value.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    this.domain.value = domain;
    this.summary.textContent = this._summary();
    if (own) this.summary.append(node("em", {}, " · your own choice"));
  }

  _summary() {
    const {state, selected, selection} = this.live;
    if (state === "loading") return "Preparing the live sound\u2009…";
    if (state === "failed") {
      return "The live sound could not be computed in this browser; use the plain players.";
    }
    return selected.length ? selection : "Nothing is selected: B is silence, C is the whole clip";
  }
}
