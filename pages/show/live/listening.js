// What every live player is: one of several sounds is heard, at one place, by mouse or by key. Its
// parts (transport and others) own their elements and draw what stands here.

class Listening {
  constructor() {
    this.data = null; // what the server said last
    this.parts = {};
    this.canPlay = Boolean(window.AudioContext || window.webkitAudioContext);
    this.player = new Player(() => this._show());
    this.life = new AbortController();
    // Other players of the page: one sounds at a time.
    document.addEventListener("play", () => this.pause(), {signal: this.life.signal, capture: true});
  }

  // The element of all parts; its property `l2i`: scripts and tests may use what has no underscore.
  _mount(parent, name, ...children) {
    this.root = node("div", {
      class: "l2i-live", "data-testid": name, role: "group", tabindex: "-1",
      on: {keydown: event => this._key(event)},
    }, ...children);
    this.root.l2i = this;
    parent.append(this.root);
  }

  destroy() {
    this.life.abort();
    cancelAnimationFrame(this.frame);
    this.player.close();
    this.root.remove();
  }

  // Calls `load` when the store has taken the bytes that the server speaks of.
  _onBytes(load) {
    const {signal} = this.life;
    window.addEventListener("l2i-clip", ({detail}) => {
      if (detail === this.data?.digest) load();
    }, {signal});
  }

  get playing() { return this.player.playing; }
  get position() { return this.player.position; }
  get level() { return this.player.level; }

  play() {
    if (!this.player.sound || !this.canPlay || this.playing) return;
    for (const audio of document.querySelectorAll("audio, video")) audio.pause();
    this.player.play();
    this._show();
  }

  pause() {
    if (!this.playing) return;
    this.player.pause();
    this._show();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(seconds) {
    this.player.seek(seconds);
    this._follow();
  }

  // Another sound, at the same place.
  hear(name) {
    if (this.player.sound) this.player.use(this.signal(name), this.rate);
    this.heard = name;
    this._level();
    this.player.refresh();
    this._show();
  }

  _show() {
    this.root.dataset.state = this.state;
    for (const part of Object.values(this.parts)) part.show();
    this._follow();
  }

  // The playhead alone, with every picture of the screen.
  _follow() {
    for (const part of Object.values(this.parts)) part.follow?.();
    cancelAnimationFrame(this.frame);
    if (this.playing) this.frame = requestAnimationFrame(() => this._follow());
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const {target, key} = event, {groups} = this.parts.transport;
    const chosen = target.matches("select") ? [] : groups.flatMap(({choose, options}) =>
      options().filter(([, letter]) => letter === key.toUpperCase())
        .map(([name]) => () => choose(name)));
    const pressed = target.matches("button, select, input[type=checkbox]");
    const space = key === " " && (groups.some(({root}) => root.contains(target)) || !pressed);
    if (!chosen.length && !space) return;
    event.stopPropagation(); // Streamlit has single-letter shortcuts of its own
    event.preventDefault();
    if (space) this.toggle();
    else chosen[0]();
  }
}
