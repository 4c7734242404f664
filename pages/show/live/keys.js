// Keys of the players on a page, wherever the focus is, unless what has it needs them itself. One
// player answers: the one that sounds, else the one used last, else the first on screen.

const WRITES = "input, textarea, select, [contenteditable=true], [role=textbox], [role=combobox], " +
  "[role=slider], [role=spinbutton], [role=listbox], [role=option], [role=menu], [role=grid], canvas";
const ACTS = "button, a[href], summary, audio, video, [role=button], [role=tab], [role=radio], " +
  "[role=checkbox], [role=switch], [role=menuitem]";
const SPACE = [" ", "ArrowLeft", "ArrowRight", "Home"]; // what a button or a page may want
const STEP = 1; // seconds

class Keys {
  // live: a Listening; its `keysToo` are {key: [what it does, act]}, of the keys that it has apart
  // from those of all players.
  constructor(live) {
    this.live = live;
    // Before Streamlit's own single-letter shortcuts.
    window.addEventListener("keydown", event => this._key(event),
      {capture: true, signal: live.life.signal});
    this.list = node("dl");
    this.dialog = node("dialog", {class: "l2i-keys", "aria-label": "Keys of the player"},
      node("b", {}, "Keys"), this.list,
      button({class: "l2i-quiet"}, () => this.dialog.close(), "Close"));
    this.dialog.addEventListener("click", ({target}) => target === this.dialog && this.dialog.close());
  }

  help() {
    const sounds = this._sounds().map(([letter, title]) => [letter.toUpperCase(), title]);
    const others = Object.entries(this._others()).map(([key, [what]]) => [NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key), what]);
    const rows = [...sounds, ...others].filter(([, what]) => what);
    this.list.replaceChildren(...rows.flatMap(([key, what]) =>
      [node("dt", {}, node("kbd", {}, key)), node("dd", {}, what)]));
    this.dialog.showModal();
  }

  // [letter, title, act] of each sound.
  _sounds() {
    return this.live.parts.transport.groups.flatMap(({options, choose}) => options()
      .filter(([, letter]) => letter)
      .map(([name, letter, title]) => [letter.toLowerCase(), title, () => choose(name)]));
  }

  _others() {
    const {live} = this;
    const step = by => () => live.seek(live.position + by);
    const louder = by => () => live.setVolume(live.volume + by);
    return {
      " ": ["play or pause", () => live.toggle()],
      ArrowLeft: ["1 s back", step(-STEP)],
      ArrowRight: ["1 s on", step(STEP)],
      Home: ["to the beginning", () => live.seek(0)],
      l: ["loop", () => live.loop()],
      i: ["loop from here", () => live.chooseLoop(live.position, this._ends()[1])],
      o: ["loop up to here", () => live.chooseLoop(this._ends()[0], live.position)],
      Escape: ["loop all again", live.player.region ? () => live.clearLoop() : null],
      m: ["mute", () => live.setVolume(live.volume > 0 ? 0 : this.before ?? 1)],
      "-": ["quieter", louder(-0.1)],
      "+": ["louder", louder(0.1)],
      "=": ["", louder(0.1)], // the + of some keyboards, without Shift
      ...live.keysToo,
      "?": ["these keys", () => this.help()],
    };
  }

  _ends() {
    const {region, duration} = this.live.player;
    return region ?? [0, duration];
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.shiftKey && event.key.length > 1) return; // Shift + → is the page's; "?" is ours
    const target = event.composedPath()[0];
    if (answering(target) !== this.live.root || this.dialog.open) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const [, , sound] = this._sounds().find(([letter]) => letter === key) ?? [];
    const act = sound ?? this._others()[key]?.[1];
    if (!act || !this._free(target, key, Boolean(sound))) return;
    event.stopPropagation();
    event.preventDefault();
    if (key === "m" && this.live.volume > 0) this.before = this.live.volume;
    act();
  }

  // Whether what has the focus leaves this key to the player.
  _free(target, key, sound) {
    const {root, parts} = this.live;
    const letter = sound || !SPACE.includes(key);
    if (!(target instanceof Element)) return true;
    if (!root.contains(target)) {
      return !target.closest(WRITES) && (letter || !target.closest(ACTS));
    }
    if (target.matches("select")) return false;
    if (target.matches("input[type=range]")) return letter ? !"+-".includes(key) : key === " ";
    const tabs = parts.transport.tabs.contains(target);
    return letter || !target.matches("button, input") || (key === " " && tabs);
  }
}

const NAMES = {" ": "Space", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", "-": "−"};

// The root of the player that a key is for; null where none may have it.
function answering(target) {
  const inside = target instanceof Element && target.closest(".l2i-live");
  if (inside) return inside;
  const dialogs = document.querySelectorAll("[role=dialog][aria-modal=true], [data-testid=stDialog]");
  const place = [...dialogs].at(-1) ?? document;
  const roots = [...place.querySelectorAll(".l2i-live")].filter(root =>
    root.l2i && root.getClientRects().length);
  const last = roots.includes(window.l2iLast) ? window.l2iLast : null;
  const seen = root => {
    const {top, bottom} = root.getBoundingClientRect();
    return top < window.innerHeight && bottom > 0;
  };
  return roots.find(root => root.l2i.playing) ?? (last && seen(last) ? last : null)
    ?? roots.find(seen) ?? last ?? roots[0] ?? null;
}
