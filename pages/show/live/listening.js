// What every live player is: one of several sounds is heard, at one place, by mouse or by key. Its
// parts (transport and others) own their elements and draw what stands here.

const SHORTEST = 0.05; // seconds that are looped at least

class Listening {
  constructor() {
    this.data = null; // what the server said last
    this.parts = {};
    this.canPlay = Boolean(window.AudioContext || window.webkitAudioContext);
    this.player = new Player(() => this._show());
    this.life = new AbortController();
    this.keys = new Keys(this);
    const {signal} = this.life;
    // Other players of the page: one sounds at a time, and all at the listener's volume.
    document.addEventListener("play", () => this.pause(), {signal, capture: true});
    window.addEventListener("l2i-play", ({detail}) => detail !== this && this.pause(), {signal});
    window.addEventListener("l2i-volume", () => {
      this.player.setVolume(this.volume);
      this._show();
    }, {signal});
    this.player.setVolume(this.volume);
    if (!this.canPlay) return;
    for (const gesture of ["pointerdown", "keydown"]) {
      window.addEventListener(gesture, () => this.player.warm(), {signal, capture: true, once: true});
    }
  }

  // The element of all parts; its property `l2i`: scripts and tests may use what has no underscore.
  _mount(parent, name, ...children) {
    this.root = node("div", {
      class: "l2i-live", "data-testid": name, role: "group", tabindex: "-1",
      on: {pointerdown: () => (window.l2iLast = this.root)},
    }, ...children, this.keys.dialog);
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
  get volume() { return window.l2iVolume ?? 1; }

  play() {
    if (!this.player.sound || !this.canPlay || this.playing) return;
    for (const audio of document.querySelectorAll("audio, video")) audio.pause();
    window.dispatchEvent(new CustomEvent("l2i-play", {detail: this}));
    window.l2iLast = this.root;
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

  loop() {
    if (this.player.region) return this.clearLoop();
    this.player.setLoop(!this.player.loop);
    this._show();
  }

  // From where to where it plays over and over, in seconds.
  chooseLoop(from, to) {
    const {duration} = this.player;
    const last = Math.min(to, duration), first = Math.min(from, last - SHORTEST);
    if (!(first >= 0)) return;
    this.player.setRegion([first, last]);
    this._show();
  }

  clearLoop() {
    if (!this.player.region) return;
    this.player.setRegion(null);
    this._show();
  }

  // From 0 to 1, of all players until the page is left.
  setVolume(volume) {
    window.l2iVolume = Math.round(100 * Math.min(1, Math.max(0, volume))) / 100;
    window.dispatchEvent(new CustomEvent("l2i-volume"));
  }

  // Another sound, at the same place.
  hear(name) {
    this.heard = name;
    if (this.player.sound) this.player.use(this.signal(name), this.rate);
    this._level();
    this.player.refresh();
    this._show();
  }

  _show() {
    if (!this.data) return;
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
}
