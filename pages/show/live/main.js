// The live interpretation on the page: what the server says, what the user does, what is heard.
// WORKER is the text of the worker.

const PATIENCE = 250; // ms without a key before a change by keyboard counts as released

export default function ({data, parentElement, setStateValue}) {
  const live = (parentElement.live ??= new Live(parentElement));
  live.setStateValue = setStateValue;
  live.receive(data);
  return () => {
    live.destroy();
    delete parentElement.live;
  };
}

class Live extends Listening {
  constructor(parent) {
    super();
    this.clip = null; // from when its bytes are here
    this.state = "loading"; // "ready" once all can be heard, or "failed"
    this.heard = "interpretation"; // or "input", "residual", "component:3+17"
    this.levels = null; // gain of each sound
    this.matched = false; // loudness instead of true level
    this.energy = 0; // share of the input's that is kept
    this.sent = {sequence: 0, token: null};
    const transport = new Transport(this, [{
      label: "Sound",
      options: () => SOUNDS,
      pressed: name => this.heard === name,
      choose: name => this.hear(name),
    }]);
    const threshold = new Threshold(this);
    const picture = new Picture(this), list = new ComponentList(this);
    this.parts = {transport, threshold, picture, list};
    this._mount(parent, "live-interpretation", transport.root, threshold.root,
      node("div", {class: "l2i-columns"}, picture.root, list.root), threshold.below);
    this.watcher = new MutationObserver(() => this._pending());
    this._onBytes(() => {
      if (this.clip) return;
      this._load();
      this._render();
    });
    window.addEventListener("pointerup", () => {
      setTimeout(() => (threshold.held = false)); // after the change event
    }, {signal: this.life.signal});
  }

  destroy() {
    this.watcher.disconnect();
    clearTimeout(this.patience);
    this.clip?.close();
    delete document.body.dataset.l2iPending;
    super.destroy();
  }

  // ---- from the server -----------------------------------------------------------------------

  // All that is drawn follows from data, choice and clip: they change together, before any of it.
  receive(data) {
    const old = this.data;
    this.data = data;
    const other = String(old?.subject) !== String(data.subject);
    if (!old) this.sent.sequence = data.sequence;
    if (!old && !this.canPlay) this.setStateValue("fallback", true);
    // An answer to an older release must not take τ out of the user's hand.
    const answered = data.sequence >= this.sent.sequence;
    const current = answered && !this.parts.threshold.held && !this.patience;
    if (other || current) {
      this.choice = new Choice(data.tau, data.domain, data.overrides);
      this.sent.token = this.choice.token;
    }
    this.relevance = Float32Array.from(data.relevance);
    this.order = [...this.relevance.keys()].sort((a, b) => this.relevance[b] - this.relevance[a]);
    this.root.setAttribute("aria-label", `Listen to what speaks for ${data.target}`);
    if (old?.digest !== data.digest) this._unload();
    if (other && this._solo) this.hear("interpretation");
    if (!this.clip) this._load();
    this._render();
  }

  _unload() {
    this.player.clear();
    this.clip?.close();
    this.clip = this.levels = null;
    this.energy = 0;
    this.state = "loading";
  }

  _load() {
    const bytes = window.l2iClips?.get(this.data.digest);
    if (!bytes) return;
    this.clip = new Clip(bytes, {
      image: image => this.parts.picture.paint(image),
      chunk: ({start, kept}) => {
        // The first stretch is the one at the playhead: let it be heard at once.
        const now = this.position * this.rate;
        if (now >= start && now < start + kept.length) this._refresh();
      },
      done: figures => this._rendered(figures),
      failed: () => {
        this.state = "failed";
        this._show();
        this.setStateValue("fallback", true);
      },
    });
    this.parts.picture.clear(this.clip.content);
    this.player.use(this.signal(this.heard), this.rate);
  }

  // Resolves when the whole clip sounds as it should.
  _render() {
    this._show();
    return Promise.resolve(this.clip?.render(this.gains, this.domain, this.position));
  }

  _rendered({energy, milliseconds, roundTrip}) {
    this.energy = energy;
    this.lastRenderMs = milliseconds;
    this.lastRoundTripMs = roundTrip;
    this.state = "ready";
    this._level();
    this._refresh();
    this._show();
  }

  // The sound that is heard may depend on τ.
  _refresh() {
    if (this.heard === "interpretation" || this.heard === "residual") this.player.refresh();
  }

  _level() {
    if (!this.clip?.ready) return;
    const sounds = {...this.clip.sounds, [this.heard]: this.signal(this.heard)};
    this.levels = gainsOf(sounds, this.clip.content, this.matched);
    this.player.setLevel(this.levels[this.heard]);
  }

  _show() {
    super._show();
    this._pending();
  }

  get keysToo() {
    const {picture} = this.parts;
    return {z: ["zoom in", () => picture.zoom(2)], x: ["zoom out", () => picture.zoom(0.5)]};
  }

  get ready() { return this.state === "ready"; }
  get threshold() { return this.choice.tau; }
  get domain() { return this.choice.domain; }
  get gains() { return this.choice.gains(this.relevance); }
  get own() { return this.choice.overrides.size > 0; }
  get rate() { return this.clip?.rate; }
  get _solo() { return this.heard.startsWith("component:"); }
  get solos() { return new Set(this._solo ? this.heard.slice(10).split("+").map(Number) : []); }

  get selected() {
    const {gains} = this;
    return this.order.filter(k => gains[k] > 0);
  }

  get selection() {
    const count = `${this.selected.length} of ${this.relevance.length} components`;
    return `${count} · ${percent(this.energy)} of the sound energy`;
  }

  // What the transport says of the level.
  get gain() {
    const {levels, matched, heard} = this;
    if (!levels) return "";
    return matched
      ? SOUNDS.map(([name, letter]) => `${letter} ${decibels(levels[name])}`).join(", ")
      : `one gain, ${decibels(levels[heard])}`;
  }

  // The samples of "input", "interpretation", "residual", or of components alone: "component:3+17".
  signal(name) {
    if (!this.clip) throw new RangeError(`no sound “${name}” before the clip is here`);
    return this.clip.sound(name, this.domain);
  }

  // ---- what the user does --------------------------------------------------------------------

  // These components alone; none: all that are selected.
  solo(components) {
    const sorted = [...components].sort((a, b) => a - b);
    if (!sorted.length) return this.hear("interpretation");
    this.hear(`component:${sorted.join("+")}`);
    this.play();
  }

  setThreshold(value) {
    this.choice.tau = Math.min(this.data.maxTau, Math.max(0, Math.round(100 * value) / 100));
    return this._render();
  }

  setDomain(domain) {
    if (domain !== "log" && domain !== "linear") throw new RangeError(`no mask domain “${domain}”`);
    this.choice.domain = domain;
    const done = this._render();
    if (this._solo) this.hear(this.heard);
    return done;
  }

  setLevelMode(mode) {
    this.matched = mode === "loudness";
    this._level();
    this._show();
  }

  // The user's own gains of single components, {17: 0.5}, or null for τ alone.
  setGains(gains) {
    this.choice = new Choice(this.threshold, this.domain, gains ?? {});
    return this._render();
  }

  // The gain of every component, from the one that it has.
  choose(gainOf) {
    const gains = this.gains;
    for (const k of this.order) this.choice.override(k, gainOf(gains[k]), this.relevance);
    this._render();
    this.release();
  }

  override(k, gain) {
    this.choice.override(k, gain, this.relevance);
    return this._render();
  }

  // The one message to the server.
  release() {
    clearTimeout(this.patience);
    this.patience = null;
    const {tau, domain, overrides, token} = this.choice;
    if (token !== this.sent.token) {
      this.sent = {sequence: this.sent.sequence + 1, token};
      const gains = Object.fromEntries(overrides);
      this.setStateValue("choice", {tau, domain, gains, sequence: this.sent.sequence});
    }
    this._pending();
  }

  soon() {
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.release(), PATIENCE);
  }

  // A verdict on screen that is about another choice than the one heard is marked as pending.
  _pending() {
    const shown = document.querySelector(`.st-key-l2i-verdict-${CSS.escape(this.choice.token)}`);
    const pending = !shown && document.querySelector("[class*='st-key-l2i-verdict-']");
    if (pending) document.body.dataset.l2iPending = "true";
    else delete document.body.dataset.l2iPending;
    this.watcher.disconnect();
    const main = document.querySelector("[data-testid=stMain]");
    if (!shown && main) this.watcher.observe(main, {childList: true, subtree: true});
  }
}
