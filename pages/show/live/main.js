// The live interpretation on the page: sound, picture, τ and the components. Runs after core.js;
// WORKER is the text of core.js and worker.js.

const FADE = 0.01; // seconds of crossfade where the sound changes
const PATIENCE = 250; // ms without a key before a change by keyboard counts as released
const SOUNDS = [
  ["input", "A", "input"],
  ["interpretation", "B", "what it listened to"],
  ["residual", "C", "what is left"],
];
const instances = new WeakMap();

export default function ({data, parentElement, setStateValue}) {
  let live = instances.get(parentElement);
  if (!live) {
    live = new Live(parentElement, setStateValue);
    instances.set(parentElement, live);
  }
  live.setStateValue = setStateValue;
  live.receive(data);
  return () => {
    live.destroy();
    instances.delete(parentElement);
  };
}

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") {
      for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    } else if (value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function pressable(target) {
  return target.matches("button, select, input[type=checkbox]");
}

function percent(share) {
  if (share === 0) return "0\u202f%";
  if (share < 5e-5) return "< 0.01\u202f%";
  const value = 100 * share;
  const decimals = Math.min(3, Math.max(0, 1 - Math.floor(Math.log10(value))));
  return `${value.toFixed(decimals)}\u202f%`;
}

function hertz(value) {
  if (value < 1000) return `${Math.round(value)}\u202fHz`;
  const kilo = value / 1000;
  return `${kilo.toFixed(Math.max(0, 2 - Math.floor(Math.log10(kilo))))}\u202fkHz`;
}

function decibels(factor) {
  const text = (20 * Math.log10(factor)).toFixed(1).replace("-", "\u2212");
  return `${factor >= 1 ? "+" : ""}${text}\u202fdB`;
}

// A component's spectral shape, low frequencies on the left.
function thumbnail(heights) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const last = heights.length - 1;
  drawing.setAttribute("viewBox", `0 0 ${last} 100`);
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("class", "l2i-shape");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const points = heights.map((height, i) => `L${i} ${100 - height}`).join("");
  path.setAttribute("d", `M0 100${points}L${last} 100Z`);
  drawing.append(path);
  return drawing;
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}

// One looping sound at a time. A source's buffer cannot be changed while it plays, so a changed
// sound is a new source at the same position, with a short crossfade.
class Player {
  constructor(level) {
    this.context = null;
    this.sound = null;
    this.rate = 1;
    this.level = level;
    this.place = 0; // seconds, while not playing
    this.playing = false;
    this.loop = true;
    this.voice = null;
    this.ended = () => {};
    this.timer = null;
  }

  get duration() {
    return this.sound ? this.sound.length / this.rate : 0;
  }

  get position() {
    if (!this.playing) return this.place;
    const place = this.voice.offset + Math.max(0, this.context.currentTime - this.voice.began);
    return this.loop ? place % this.duration : Math.min(place, this.duration);
  }

  use(sound, rate) {
    this.sound = sound;
    this.rate = rate;
  }

  play() {
    if (!this.context) {
      this.context = new (window.AudioContext || window.webkitAudioContext)();
      this.master = this.context.createGain();
      this.master.gain.value = this.level;
      this.master.connect(this.context.destination);
    }
    this.context.resume();
    if (!this.loop && this.place >= this.duration - 0.01) this.place = 0;
    this._start(this.place);
    this.playing = true;
  }

  pause() {
    this.place = this.position;
    this.playing = false;
    this._release(this.context.currentTime);
  }

  seek(seconds) {
    this.place = Math.min(Math.max(0, seconds), this.duration);
    if (this.playing) this._start(this.place % this.duration);
  }

  setLoop(loop) {
    this.place = this.position;
    this.loop = loop;
    if (this.playing) this._start(this.place);
  }

  setLevel(level) {
    this.level = level;
    if (this.master) this.master.gain.setTargetAtTime(level, this.context.currentTime, 0.01);
  }

  // The samples changed: go on with them from where we are. At most one crossfade at a time.
  refresh() {
    if (!this.playing || this.timer !== null) return;
    const wait = 1000 * (this.voice.began + 2 * FADE - this.context.currentTime);
    if (wait <= 0) this._start(this.position);
    else {
      this.timer = setTimeout(() => {
        this.timer = null;
        if (this.playing) this._start(this.position);
      }, wait);
    }
  }

  close() {
    clearTimeout(this.timer);
    this.playing = false;
    this.context?.close();
  }

  _start(offset) {
    const {context} = this;
    const began = context.currentTime;
    const buffer = context.createBuffer(1, this.sound.length, this.rate);
    buffer.copyToChannel(this.sound, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.loop = this.loop;
    const fade = context.createGain();
    fade.gain.setValueAtTime(0, began);
    fade.gain.linearRampToValueAtTime(1, began + FADE);
    source.connect(fade).connect(this.master);
    this._release(began);
    source.start(began, Math.min(offset, Math.max(0, this.duration - 0.001)));
    const voice = (this.voice = {source, fade, began, offset});
    source.onended = () => {
      if (this.voice !== voice || !this.playing) return;
      this.playing = false;
      this.place = 0;
      this.voice = null;
      this.ended();
    };
  }

  _release(time) {
    const old = this.voice;
    if (!old) return;
    this.voice = null;
    const {gain} = old.fade;
    gain.cancelScheduledValues(time);
    gain.setValueAtTime(gain.value, time);
    gain.linearRampToValueAtTime(0, time + FADE);
    old.source.stop(time + 2 * FADE);
  }
}

class Live {
  constructor(parent, setStateValue) {
    this.setStateValue = setStateValue;
    this.data = null;
    this.clip = null;
    this.worker = null;
    this.heard = "interpretation";
    this.overrides = new Map();
    this.requests = new Map();
    this.request = 0;
    this.selected = [];
    this.energy = 0;
    this.sent = {sequence: 0, token: null};
    this.held = false; // the pointer is on τ
    this.matched = false; // loudness instead of true level
    this.showAll = false;
    this.canPlay = Boolean(window.AudioContext || window.webkitAudioContext);
    this.player = new Player(1);
    this.player.ended = () => this._transport();
    this._build();
    parent.append(this.root);
    this._api();
    this.arrived = ({detail}) => {
      if (detail !== this.data?.digest || this.clip) return;
      this._load();
      this._render();
    };
    window.addEventListener("l2i-clip", this.arrived);
    // Other players of the page: one sounds at a time.
    this.silence = event => {
      if (event.target !== this.root && this.player.playing) this._toggle();
    };
    document.addEventListener("play", this.silence, true);
    this.letGo = () => setTimeout(() => (this.held = false)); // after the change event
    window.addEventListener("pointerup", this.letGo);
    this.watcher = new MutationObserver(() => this._pending());
  }

  destroy() {
    window.removeEventListener("l2i-clip", this.arrived);
    document.removeEventListener("play", this.silence, true);
    window.removeEventListener("pointerup", this.letGo);
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.patience);
    this.worker?.terminate();
    this.player.close();
    delete document.body.dataset.l2iPending;
    this.root.remove();
  }

  // ---- from the server -----------------------------------------------------------------------

  receive(data) {
    const old = this.data;
    this.data = data;
    if (!this.canPlay) this._tellFallback();
    const other = !old || String(old.subject) !== String(data.subject);
    const anew = !old || old.digest !== data.digest;
    if (anew) this._unload();
    if (!old) this.sent.sequence = data.sequence;
    // An answer to an older release must not take τ out of the user's hand.
    const current = data.sequence >= this.sent.sequence && !this.held && !this.patience;
    if (other || current) {
      this.tau = data.tau;
      this.domain = data.domain;
      this.overrides = new Map(Object.entries(data.overrides).map(([k, g]) => [Number(k), g]));
      this.sent.token = this._token();
    }
    this.relevance = Float32Array.from(data.relevance);
    this.order = [...this.relevance.keys()].sort((a, b) => this.relevance[b] - this.relevance[a]);
    this.slider.max = data.maxTau;
    this.root.setAttribute("aria-label", `Listen to what speaks for ${data.target}`);
    // Rows of another model must be gone before its gains are drawn.
    if (other || String(old.labels) !== String(data.labels)) this._list();
    if (anew) this._load();
    if (other && this._solo() !== null) this._hear("interpretation");
    this._render();
  }

  _tellFallback() {
    if (this.toldFallback) return;
    this.toldFallback = true;
    this.setStateValue("fallback", true);
  }

  // Nothing of a clip outlives it. Draws nothing.
  _unload() {
    if (this.player.playing) this.player.pause();
    this.player.use(null, 1);
    this.player.seek(0);
    this.worker?.terminate();
    this.worker = this.clip = this.core = null;
    this.inputPeak = undefined;
    this.energy = 0;
    this.sounds = {};
    this.alone = new Map();
    for (const done of this.requests.values()) done();
    this.requests.clear();
    this.root.dataset.state = "loading";
  }

  _load() {
    const bytes = window.l2iClips?.get(this.data.digest);
    if (!bytes) return;
    this.clip = l2iUnpack(bytes);
    const {length, rate, shown, mel} = this.clip;
    this.sounds = {
      input: new Float32Array(length),
      interpretation: new Float32Array(length),
      residual: new Float32Array(length),
    };
    this.player.use(this.sounds[this.heard] ?? this.sounds.interpretation, rate);
    if (!(this.heard in this.sounds)) this.heard = "interpretation";
    this.canvas.width = shown;
    this.canvas.height = mel.bands;
    this.position.max = (length / rate).toFixed(2);
    this._axes();
    const address = URL.createObjectURL(new Blob([WORKER], {type: "text/javascript"}));
    this.worker = new Worker(address);
    URL.revokeObjectURL(address);
    this.worker.onmessage = ({data}) => this._answer(data);
    this.worker.onerror = () => {
      this.root.dataset.state = "failed";
      this._show();
      this._tellFallback();
    };
    this.worker.postMessage({clip: this.clip});
  }

  // ---- rendering -----------------------------------------------------------------------------

  _gains() {
    const gains = new Float32Array(this.relevance.length);
    const tau = Math.fround(this.tau);
    for (let k = 0; k < gains.length; k++) {
      gains[k] = this.overrides.get(k) ?? (this.relevance[k] > tau ? 1 : 0);
    }
    return gains;
  }

  // Resolves when the whole clip sounds as it should.
  _render() {
    const gains = this._gains();
    this.selected = this.order.filter(k => gains[k] > 0);
    this._show();
    if (!this.worker) return Promise.resolve();
    const id = ++this.request;
    this.asked = performance.now();
    this.worker.postMessage({
      gains,
      domain: this.domain,
      id,
      position: Math.round(this.player.position * this.clip.rate),
    });
    return new Promise(done => this.requests.set(id, done));
  }

  _answer(message) {
    if (message.input) {
      this.sounds.input.set(message.input);
      this.inputPeak = peak(message.input);
      return;
    }
    if (message.image) return this._paint(message.image);
    if (message.chunk) {
      const {start, kept, left} = message.chunk;
      this.sounds.interpretation.set(kept, start);
      this.sounds.residual.set(left, start);
      // The first stretch is the one at the playhead: let it be heard at once.
      const now = this.player.position * this.clip.rate;
      if (this._changes() && now >= start && now < start + kept.length) this.player.refresh();
      return;
    }
    this.energy = message.energy;
    this.lastRenderMs = message.milliseconds;
    this.lastRoundTripMs = performance.now() - this.asked;
    this._level();
    if (this._changes()) this.player.refresh();
    const first = this.root.dataset.state !== "ready";
    this.root.dataset.state = "ready";
    if (first) this._list();
    this._show();
    for (const id of message.done) {
      this.requests.get(id)?.();
      this.requests.delete(id);
    }
  }

  // Whether the sound that is heard depends on τ.
  _changes() {
    return this.heard === "interpretation" || this.heard === "residual";
  }

  // The gain of each sound. True level: one for all, the input's peak at −3 dBFS, less where
  // another would clip. Loudness-matched: each is brought to the input's loudness, and all are
  // lowered together where one would clip.
  _level() {
    if (!this.clip || this.inputPeak === undefined) return;
    const {peak: wanted, most, rate} = this.clip;
    const names = Object.keys(this.sounds);
    if (!(this.heard in this.sounds)) names.push(this.heard);
    let level = this.inputPeak > 0 ? Math.min(wanted / this.inputPeak, most) : 1;
    const levels = Object.fromEntries(names.map(name => [name, level]));
    if (this.matched) {
      const target = l2iLoudness(this.sounds.input, rate);
      for (const name of names) {
        const difference = target - l2iLoudness(this._sound(name), rate);
        if (Number.isFinite(difference)) {
          levels[name] *= Math.min(most, 10 ** (difference / 20));
        }
      }
    }
    const loudest = Math.max(...names.map(name => peak(this._sound(name)) * levels[name]));
    if (loudest > 0.99) for (const name of names) levels[name] *= 0.99 / loudest;
    this.levels = levels;
    const now = levels[this.heard];
    if (now !== this.player.level) this.player.setLevel(now);
    this.gain.textContent = this.matched
      ? SOUNDS.map(([name, letter]) => `${letter} ${decibels(levels[name])}`).join(", ")
      : `one gain, ${decibels(now)}`;
  }

  _component(k) {
    const name = `${k} ${this.domain}`;
    if (!this.alone.has(name)) {
      this.core ??= new L2iCore({...this.clip, mel: null});
      const gains = new Float32Array(this.clip.K);
      gains[k] = 1;
      this.core.setTarget(gains, this.domain);
      if (this.alone.size > 8) this.alone.delete(this.alone.keys().next().value);
      this.alone.set(name, this.core.render().kept);
    }
    return this.alone.get(name);
  }

  _sound(name) {
    if (name in this.sounds) return this.sounds[name];
    const k = /^component:(\d+)$/.exec(name)?.[1];
    if (!this.clip || k === undefined || Number(k) >= this.clip.K) throw new RangeError(`no sound “${name}”`);
    return this._component(Number(k));
  }

  // ---- what the user does --------------------------------------------------------------------

  _toggle() {
    if (!this.clip || !this.canPlay) return;
    if (this.player.playing) this.player.pause();
    else {
      for (const audio of document.querySelectorAll("audio, video")) audio.pause();
      this.player.play();
      this._tick();
    }
    this._transport();
  }

  _hear(name) {
    this.heard = name;
    if (this.clip) {
      this.player.use(this._sound(name), this.clip.rate);
      this._level();
      this.player.refresh();
    }
    this._transport();
  }

  _solo() {
    return this.heard.startsWith("component:") ? Number(this.heard.slice(10)) : null;
  }

  _setTau(value) {
    this.tau = Math.min(this.data.maxTau, Math.max(0, Math.round(100 * value) / 100));
    return this._render();
  }

  _setDomain(domain) {
    if (domain !== "log" && domain !== "linear") throw new RangeError(`no mask domain “${domain}”`);
    this.domain = domain;
    const done = this._render();
    if (this._solo() !== null) this._hear(this.heard);
    return done;
  }

  _setLevelMode(mode) {
    if (mode !== "true" && mode !== "loudness") throw new RangeError(`no level mode “${mode}”`);
    this.matched = mode === "loudness";
    this.levelSelect.value = mode;
    this._level();
  }

  _override(k, gain) {
    const byTau = this.relevance[k] > Math.fround(this.tau) ? 1 : 0;
    const value = Math.round(100 * Math.min(1, Math.max(0, gain))) / 100;
    if (value === byTau) this.overrides.delete(k);
    else this.overrides.set(k, value);
    return this._render();
  }

  // The one message to the server.
  _release() {
    clearTimeout(this.patience);
    this.patience = null;
    const token = this._token();
    if (token === this.sent.token) return this._pending();
    this.sent = {sequence: this.sent.sequence + 1, token};
    this.setStateValue("choice", {
      tau: this.tau,
      domain: this.domain,
      gains: this.overrides.size ? Object.fromEntries(this.overrides) : null,
      sequence: this.sent.sequence,
    });
    this._pending();
  }

  _soon() {
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this._release(), PATIENCE);
  }

  _token() {
    const own = [...this.overrides].sort(([a], [b]) => a - b);
    const gains = own.map(([k, g]) => `-${k}_${Math.round(100 * g)}`).join("");
    return `${this.domain}-${Math.round(100 * this.tau)}${gains}`;
  }

  // A verdict on screen that is about another choice than the one heard is marked as pending.
  _pending() {
    const shown = document.querySelector(`.st-key-l2i-verdict-${CSS.escape(this._token())}`);
    const pending = !shown && document.querySelector("[class*='st-key-l2i-verdict-']");
    if (pending) document.body.dataset.l2iPending = "true";
    else delete document.body.dataset.l2iPending;
    this.watcher.disconnect();
    const main = document.querySelector("[data-testid=stMain]");
    if (!shown && main) this.watcher.observe(main, {childList: true, subtree: true});
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const name = event.target.tagName;
    const key = event.key.toLowerCase();
    const index = ["a", "b", "c"].indexOf(key);
    // Streamlit has single-letter shortcuts of its own.
    if (index >= 0 && name !== "SELECT") {
      event.stopPropagation();
      event.preventDefault();
      this._hear(SOUNDS[index][0]);
    } else if (key === " " && (this.tabs.contains(event.target) || !pressable(event.target))) {
      event.stopPropagation();
      event.preventDefault();
      this._toggle();
    }
  }

  // ---- what is seen --------------------------------------------------------------------------

  _build() {
    const press = (label, attributes, act) =>
      node("button", {type: "button", ...attributes, on: {click: act}}, label);
    this.playButton = press("", {class: "l2i-play", "aria-label": "Play"}, () => this._toggle());
    this.tabs = node("div", {class: "l2i-tabs", role: "group", "aria-label": "Sound"});
    this.tabButtons = SOUNDS.map(([name, letter, title]) => {
      const button = press("", {"aria-label": `${letter}: ${title}`, "aria-pressed": "false"}, () =>
        this._hear(name),
      );
      button.append(node("b", {}, letter), node("span", {}, ` ${title}`));
      return button;
    });
    this.tabs.append(...this.tabButtons);
    this.position = node("input", {
      type: "range", min: 0, max: 1, step: 0.01, value: 0, "aria-label": "Position",
      class: "l2i-position", on: {input: () => {
        this.player.seek(Number(this.position.value));
        this._transport();
      }},
    });
    this.time = node("span", {class: "l2i-time"});
    this.gain = node("span", {class: "l2i-note"});
    this.loopButton = press("loop", {"aria-pressed": "true", class: "l2i-quiet"}, () => {
      this.player.setLoop(!this.player.loop);
      this.loopButton.setAttribute("aria-pressed", this.player.loop);
    });
    this.levelSelect = node("select", {"aria-label": "Level of A, B and C", on: {change: () => {
      this._setLevelMode(this.levelSelect.value);
    }}}, node("option", {value: "true"}, "true level"),
    node("option", {value: "loudness"}, "loudness-matched"));
    this.transport = this.canPlay
      ? node("div", {class: "l2i-row"}, this.playButton, this.tabs, this.position, this.time,
        this.loopButton, this.levelSelect, this.gain)
      : node("p", {class: "l2i-note", role: "note"},
        "This browser has no Web Audio, so the sound cannot follow τ while you drag; use the " +
        "plain players, which change when you let go.");

    const id = `l2i-tau-${Math.random().toString(36).slice(2)}`;
    this.slider = node("input", {
      type: "range", min: 0, max: 0.95, step: 0.01, id, class: "l2i-tau",
      "aria-label": "τ, the relevance a component needs to be heard",
      on: {
        pointerdown: () => (this.held = true),
        input: () => this._setTau(Number(this.slider.value)),
        change: () => {
          // With the mouse this is the release; with the keyboard there is one for each key.
          if (this.held) this._release();
          else this._soon();
          this.held = false;
        },
        pointercancel: () => (this.held = false),
        keyup: () => this.patience && this._soon(),
      },
    });
    this.value = node("output", {for: id, class: "l2i-value"});
    this.summary = node("p", {class: "l2i-summary"});
    this.domainSelect = node("select", {
      "aria-label": "The mask works on", on: {change: () => {
        this._setDomain(this.domainSelect.value);
        this._release();
      }},
    }, node("option", {value: "log"}, "log magnitudes (paper)"),
    node("option", {value: "linear"}, "magnitudes (B + C = A)"));

    this.canvas = node("canvas", {role: "img", on: {click: event => {
      const box = this.canvas.getBoundingClientRect();
      this.player.seek(((event.clientX - box.left) / box.width) * this.player.duration);
      this._transport();
    }}});
    this.head = node("div", {class: "l2i-head", "aria-hidden": "true"});
    this.hertz = node("div", {class: "l2i-hertz", "aria-hidden": "true"});
    this.seconds = node("div", {class: "l2i-seconds", "aria-hidden": "true"});
    const picture = node("figure", {class: "l2i-picture"},
      node("figcaption", {}, "What is kept, in colour; the rest of the input, grey"),
      node("div", {class: "l2i-plot"}, this.hertz,
        node("div", {class: "l2i-image"}, this.canvas, this.head), this.seconds));

    this.list = node("ol", {class: "l2i-list", "aria-label": "Components, most relevant first"});
    this.more = press("", {class: "l2i-quiet"}, () => {
      this.showAll = !this.showAll;
      this._list();
      this._show();
    });
    this.reset = press("Back to τ alone", {class: "l2i-quiet"}, () => {
      this.overrides.clear();
      this._render();
      this._release();
    });
    const components = node("section", {class: "l2i-components", "aria-label": "Components"},
      node("div", {class: "l2i-listhead"}, node("span", {}, "Components, most relevant first"),
        this.reset),
      this.list, this.more);

    this.root = node("div", {
      class: "l2i-live", "data-testid": "live-interpretation", role: "group",
      "data-state": "loading", tabindex: "-1", on: {keydown: event => this._key(event)},
    },
    this.transport,
    node("div", {class: "l2i-row"}, node("label", {for: id, class: "l2i-tau-label"}, "τ"),
      this.slider, this.value, this.summary),
    node("div", {class: "l2i-columns"}, picture, components),
    node("label", {class: "l2i-domain l2i-note"}, "The mask works on ", this.domainSelect));
  }

  _show() {
    if (!this.data) return;
    const text = this.tau.toFixed(2);
    if (!this.held || this.slider.value !== text) this.slider.value = text;
    this.value.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    this.domainSelect.value = this.domain;
    const count = this.selected.length, total = this.relevance.length;
    this.summary.textContent = this.root.dataset.state === "loading"
      ? "Preparing the live sound\u2009…"
      : this.root.dataset.state === "failed"
      ? "The live sound could not be computed in this browser; use the plain players."
      : count
        ? `${count} of ${total} components · ${percent(this.energy)} of the sound energy`
        : "Nothing is selected: B is silence, C is the whole clip";
    if (this.overrides.size) this.summary.append(node("em", {}, " · your own choice"));
    this.reset.hidden = !this.overrides.size;
    this.canvas.setAttribute("aria-label",
      `Mel spectrogram with what is kept in colour: ${count} of ${total} components, ` +
      `${percent(this.energy)} of the sound energy, for ${this.data.target} at τ ${text}.`);
    this._rows();
    this._transport();
    this._pending();
  }

  _transport() {
    const {playing} = this.player;
    this.playButton.dataset.playing = playing;
    this.playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
    SOUNDS.forEach(([name], i) =>
      this.tabButtons[i].setAttribute("aria-pressed", this.heard === name));
    for (const row of this.list.children) {
      row.querySelector(".l2i-solo")
        ?.setAttribute("aria-pressed", this.heard === `component:${row.dataset.component}`);
    }
    const now = this.player.position, whole = this.player.duration;
    if (document.activeElement !== this.position || playing) this.position.value = now;
    this.position.setAttribute(
      "aria-valuetext", `${now.toFixed(1)} of ${whole.toFixed(1)} seconds`);
    const text = `${clock(now)} / ${clock(whole)}`;
    if (this.time.textContent !== text) this.time.textContent = text;
    this.head.style.left = `${whole ? (100 * now) / whole : 0}%`;
  }

  _tick() {
    cancelAnimationFrame(this.frame);
    const step = () => {
      this._transport();
      if (this.player.playing) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  _list() {
    const top = this.order.slice(0, this.showAll ? undefined : this.data.listed);
    this.list.replaceChildren(...top.map(k => this._row(k)));
    this.more.textContent = this.showAll
      ? `Show the first ${this.data.listed}` : `Show all ${this.order.length}`;
    this.more.hidden = this.order.length <= this.data.listed;
    this._transport();
  }

  _row(k) {
    const r = this.relevance[k];
    const label = this.data.labels[k];
    const box = node("input", {
      type: "checkbox", "aria-label": `Component ${label} on`, on: {change: () => {
        this._override(k, box.checked ? 1 : 0);
        this._release();
      }},
    });
    const gain = node("input", {
      type: "range", min: 0, max: 1, step: 0.05, class: "l2i-gain",
      "aria-label": `Gain of component ${label}`, on: {
        input: () => this._override(k, Number(gain.value)),
        change: () => this._soon(),
      },
    });
    const solo = this.canPlay && node("button", {
      type: "button", class: "l2i-solo", "aria-pressed": "false", title: "Hear it alone",
      "aria-label": `Hear component ${label} alone`, on: {click: () => {
        if (this._solo() === k) return this._hear("interpretation");
        this._hear(`component:${k}`);
        if (!this.player.playing) this._toggle();
      }},
    }, "S");
    const bar = node("span", {class: "l2i-bar"},
      node("i", {style: `width:${100 * Math.max(0, r)}%`}));
    return node("li", {"data-component": k, "data-named": label !== `#${k}`},
      node("label", {}, box, ` ${label}`), thumbnail(this.data.shapes[k]),
      bar, node("span", {class: "l2i-number"}, r.toFixed(2).replace("-", "\u2212")),
      node("span", {class: "l2i-number l2i-centre"}, hertz(this.data.centres[k])),
      gain, ...(solo ? [solo] : []));
  }

  _rows() {
    const gains = this._gains();
    for (const row of this.list.children) {
      const k = Number(row.dataset.component);
      const [box, gain] = row.querySelectorAll("input");
      box.checked = gains[k] > 0;
      if (Number(gain.value) !== gains[k]) gain.value = gains[k];
      gain.setAttribute("aria-valuetext", gains[k].toFixed(2));
      row.dataset.on = gains[k] > 0;
      row.dataset.own = this.overrides.has(k);
    }
  }

  _paint(image) {
    const {width, height} = this.canvas;
    const small = node("canvas", {width: height, height: width}); // frames are its rows
    small.getContext("2d").putImageData(new ImageData(image, height, width), 0, 0);
    const context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.setTransform(0, -1, 1, 0, 0, height);
    context.drawImage(small, 0, 0);
  }

  _axes() {
    const {ticks, length, rate} = this.clip;
    const {start} = this.data;
    this.hertz.replaceChildren(...ticks.map(([f, place]) =>
      node("span", {style: `bottom:${100 * place}%`}, f < 1000 ? `${f}` : `${f / 1000}k`)),
    node("span", {class: "l2i-unit"}, "Hz"));
    const duration = length / rate;
    const steps = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
    const step = steps.find(s => duration / s <= 6) ?? 10;
    const marks = [];
    for (let i = Math.ceil(start / step - 1e-6); i * step <= start + duration + 1e-6; i++) {
      const unit = marks.length ? "" : "\u202fs";
      marks.push(node("span", {style: `left:${(100 * (i * step - start)) / duration}%`},
        `${Number((i * step).toPrecision(10))}${unit}`));
    }
    this.seconds.replaceChildren(...marks);
  }

  _api() {
    const live = this;
    this.root.l2i = {
      signal: name => live._sound(name),
      setThreshold: tau => live._setTau(tau),
      setDomain: domain => live._setDomain(domain),
      // The user's own choice: gains of single components, or null for τ alone.
      setGains(gains) {
        live.overrides = new Map(Object.entries(gains ?? {}).map(([k, g]) => [Number(k), g]));
        return live._render();
      },
      release: () => live._release(),
      play: () => live.player.playing || live._toggle(),
      pause: () => live.player.playing && live._toggle(),
      seek: seconds => live.player.seek(seconds),
      hear: name => live._hear(name),
      get ready() { return live.root.dataset.state === "ready"; },
      get threshold() { return live.tau; },
      get domain() { return live.domain; },
      get selected() { return [...live.selected]; },
      get energy() { return live.energy; },
      get heard() { return live.heard; },
      get playing() { return live.player.playing; },
      get position() { return live.player.position; },
      setLevelMode: mode => live._setLevelMode(mode),
      get level() { return live.player.level; },
      get levels() { return {...live.levels}; },
      get rate() { return live.clip?.rate; },
      get lastRenderMs() { return live.lastRenderMs; },
      get lastRoundTripMs() { return live.lastRoundTripMs; },
    };
  }
}

function peak(sound) {
  let most = 0;
  for (let n = 0; n < sound.length; n++) {
    const level = Math.abs(sound[n]);
    if (level > most) most = level;
  }
  return most;
}
