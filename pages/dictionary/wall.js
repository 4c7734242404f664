// The wall of spectral shapes: one button a component. A click plays it at once, as it sounds in
// the clip, and tells the server; several can sound together. Arrow keys move, Enter chooses.
// Runs after a player's scripts of show/live and core.js.

const TEMPLATE = 2; // seconds of a component that the clip has not
const LOUD = 4; // log1p magnitude of its strongest bin

export default function ({data, parentElement, setTriggerValue}) {
  const wall = (parentElement.wall ??= new Wall(parentElement));
  wall.tell = k => setTriggerValue("chosen", k);
  wall.receive(data);
  return () => {
    wall.destroy();
    delete parentElement.wall;
  };
}

class Wall extends Listening {
  constructor(parent) {
    super();
    this.state = "loading"; // "ready" once a click can be heard
    this.solos = new Set(); // the components that are heard
    this.several = false; // a click adds to them
    this.drawn = "";
    const transport = new Transport(this, []);
    const quiet = (title, act) => button({class: "l2i-quiet"}, act, title);
    const choose = (title, wanted) => quiet(title, () =>
      this.solo(this.data.cells.map(({k}) => k).filter(k => wanted(this.solos.has(k)))));
    this.more = quiet("several", () => {
      this.several = !this.several;
      this._show();
    });
    this.said = node("span", {class: "l2i-note", role: "status"});
    const tools = node("div", {class: "l2i-row wall-tools"}, this.more, choose("none", () => false),
      choose("all", () => true), choose("invert", on => !on), this.said);
    this.grid = node("div", {class: "wall", role: "group", "data-testid": "wall", on: {
      click: event => this._click(event),
      keydown: event => this._move(event),
    }});
    this.parts = {transport};
    this._mount(parent, "wall-player", ...(this.canPlay ? [transport.root, tools] : []), this.grid);
    this._onBytes(() => this._load());
  }

  receive(data) {
    const old = this.data;
    this.data = data;
    if (old?.digest !== data.digest) {
      this.player.clear();
      this.solos.clear();
      this._load();
    } else if (old.domain !== data.domain) this._sound();
    this._draw(data);
    this._show();
  }

  get ready() { return this.state === "ready"; }
  get rate() { return this.content?.rate; }

  _load() {
    const bytes = window.l2iClips?.get(this.data.digest);
    this.content = this.core = null;
    this.state = bytes ? "ready" : "loading";
    if (!bytes) return;
    this.content = unpack(bytes);
    setTimeout(() => {
      if (this.content && !this.life.signal.aborted) this._warm();
      this._show();
    }, 100);
    this._show();
  }

  // What takes time before the first component sounds.
  _warm() {
    if (this.core) return;
    this.core = new L2iCore(this.content);
    const {H, K} = this.content;
    this.active = new Set();
    H.forEach((h, i) => h > 0 && this.active.add(i % K));
    this.input = this.core.render().left; // of nothing
  }

  // Hears these components together; none: silence.
  solo(components) {
    this.solos = new Set(components);
    if (this.ready && this.canPlay) this._sound();
    if (this.solos.size) this.play();
    else this.pause();
    this._show();
  }

  _sound() {
    this._warm();
    const {K, rate} = this.content, solos = [...this.solos];
    const gains = Float32Array.from({length: K}, (_, k) => (this.solos.has(k) ? 1 : 0));
    this.heard = solos.filter(k => this.active.has(k));
    let sound = null;
    if (this.heard.length || !solos.length) {
      this.core.setTarget(gains, this.data.domain);
      sound = this.core.render().kept;
    } else sound = noiseOf(this.content, solos, peakOf(this.input) / 2);
    this.player.use(sound, rate);
    this.player.setLevel(gainsOf({input: this.input, sound}, this.content, false).sound);
    this.player.refresh();
  }

  _status() {
    const {solos, heard, data} = this, names = list => list.map(k => `#${k}`).join(" + ");
    if (!solos.size) return `A click plays a component as it sounds in ${data.clip}.`;
    if (!heard?.length) {
      return `${names([...solos])}: not in ${data.clip}; its shape as noise.`;
    }
    const many = heard.length > 4 ? `${heard.length} components` : names(heard);
    return `${many} in ${data.clip}, ${decibels(this.level)}`;
  }

  _show() {
    super._show();
    this.more.setAttribute("aria-pressed", this.several);
    const said = this._status();
    if (this.said.textContent !== said) this.said.textContent = said;
    for (const cell of this.grid.children) cell.dataset.solo = this.solos.has(Number(cell.dataset.k));
  }

  _click(event) {
    const cell = event.target.closest("button");
    if (!cell) return;
    const k = Number(cell.dataset.k), only = this.solos.size === 1 && this.solos.has(k);
    this._mark(cell.dataset.k);
    this.tell(k);
    if (this.several || event.shiftKey || event.ctrlKey || event.metaKey) {
      const solos = new Set(this.solos);
      if (!solos.delete(k)) solos.add(k);
      this.solo(solos);
    } else if (only && this.playing) this.pause();
    else this.solo([k]);
  }

  // ---- the cells -----------------------------------------------------------------------------

  _draw({label, cells, chosen}) {
    const content = JSON.stringify(cells);
    if (content !== this.drawn) {
      const focused = this.grid.contains(document.activeElement) && document.activeElement.dataset.k;
      this.grid.replaceChildren(...cells.map(cell => cellOf(cell)));
      this.drawn = content;
      this.marked = null;
      if (focused) this._find(focused)?.focus({preventScroll: true});
    }
    this.grid.setAttribute("aria-label", label);
    this._mark(String(chosen));
  }

  _mark(k) {
    const cells = [...this.grid.children];
    for (const cell of cells) {
      cell.setAttribute("aria-pressed", String(cell.dataset.k === k));
      cell.tabIndex = -1;
    }
    const chosen = this._find(k), entry = chosen ?? cells[0];
    if (entry) entry.tabIndex = 0;
    if (chosen && this.marked !== k) this._reveal(chosen);
    this.marked = k;
  }

  // Scrolls inside the wall only: the page stays where it is.
  _reveal(cell) {
    const top = cell.offsetTop - this.grid.offsetTop;
    const {scrollTop, clientHeight} = this.grid;
    if (top < scrollTop || top + cell.offsetHeight > scrollTop + clientHeight) {
      this.grid.scrollTop = top - clientHeight / 2;
    }
  }

  _find(k) {
    return this.grid.querySelector(`button[data-k="${CSS.escape(k)}"]`);
  }

  _move(event) {
    const cells = [...this.grid.children];
    const at = cells.indexOf(event.target.closest("button"));
    if (at < 0) return;
    const columns = cells.filter(cell => cell.offsetTop === cells[0].offsetTop).length;
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      Home: 0,
      End: cells.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (!cells[to]) return;
    cells[at].tabIndex = -1;
    cells[to].tabIndex = 0;
    cells[to].focus();
  }
}

function cellOf({k, number, figure, below, named, shape, sign, strength, silent, title}) {
  const picture = thumbnail(shape);
  picture.firstChild.style.opacity = strength;
  return node("button", {
    type: "button", "aria-label": title, title,
    "data-k": k, "data-sign": sign, "data-silent": silent,
  },
  node("span", {class: "head"}, node("b", {}, number), node("span", {class: "figure"}, figure)),
  picture, node("span", {class: named ? "below named" : "below"}, below));
}

// Noise (n,) with the spectra of components that a clip has not, at this peak: magnitudes
// expm1(w h), each frame's phase at random from a seed.
function noiseOf({W, F, nFft, win, hop, rate}, components, peak) {
  const length = TEMPLATE * rate, T = Math.ceil(length / hop) + 1;
  const kept = new Float64Array(F), none = new Float64Array(F);
  for (const k of components) {
    const w = W.subarray(k * F, (k + 1) * F), h = LOUD / w.reduce((a, b) => Math.max(a, b), 1e-9);
    for (let f = 0; f < F; f++) kept[f] += Math.expm1(w[f] * h);
  }
  const stft = new InverseStft({nFft, win, hop, T, length, gain: 1});
  const sound = new Float32Array(length), rest = new Float32Array(length);
  let seed = 1;
  for (let t = 0; t < T; t++) {
    const phase = Float64Array.from(kept, () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return (2 * Math.PI * seed) / 2 ** 32;
    });
    stft.put(kept, none, phase.map(Math.cos), phase.map(Math.sin), 0);
    stft.add(t, 0, sound, rest);
  }
  const level = peak / (peakOf(sound) || 1);
  return sound.map(x => level * x);
}
