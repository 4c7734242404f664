// What is kept, in colour, the rest of the input grey, and where it plays. A drag chooses what is
// looped, a click seeks; the seconds that are shown can be fewer than all.

const CLOSEST = 0.02; // share of the clip that is shown at least
const DRAG = 4; // pixels from which on a press is no click

class Picture {
  constructor(live) {
    this.live = live;
    this.from = 0; // shown: from … to, shares of the clip
    this.to = 1;
    this.whole = node("canvas"); // all of the clip, a pixel a frame
    this.canvas = node("canvas", {role: "img", on: {
      pointerdown: event => this._press(event),
      pointermove: event => this._move(event),
      pointerup: event => this._lift(event),
      pointercancel: () => (this.pressed = null),
      pointerleave: () => (this.said.textContent = ""),
      dblclick: () => this.zoom(0),
    }});
    this.canvas.addEventListener("wheel", event => this._wheel(event), {passive: false});
    this.head = node("div", {class: "l2i-head", "aria-hidden": "true"});
    this.region = node("div", {class: "l2i-region", "aria-hidden": "true"});
    this.said = node("span", {class: "l2i-said", "aria-hidden": "true"});
    this.hertz = node("div", {class: "l2i-hertz", "aria-hidden": "true"});
    this.seconds = node("div", {class: "l2i-seconds", "aria-hidden": "true"});
    this.out = button({class: "l2i-quiet", "aria-label": "Zoom out"}, () => this.zoom(0.5), "−");
    this.in = button({class: "l2i-quiet", "aria-label": "Zoom in"}, () => this.zoom(2), "+");
    this.root = node("figure", {class: "l2i-picture"},
      node("figcaption", {}, node("span", {}, "Kept in colour, the rest of the input grey"),
        node("span", {class: "l2i-zoom"}, this.out, this.in)),
      node("div", {class: "l2i-plot"}, this.hertz,
        node("div", {class: "l2i-image"}, this.canvas, this.region, this.head), this.seconds),
      this.said);
  }

  // An empty one of `shown` frames; hertz: [place in 0 … 1, text] along the axis.
  clear({shown, mel, hertz}) {
    for (const canvas of [this.whole, this.canvas]) {
      canvas.width = shown;
      canvas.height = mel.bands;
    }
    [this.from, this.to] = [0, 1];
    this.hertz.replaceChildren(...hertz.map(([place, text]) =>
      node("span", {style: `bottom:${100 * place}%`}, text)),
    node("span", {class: "l2i-unit"}, "Hz"));
  }

  paint(image) {
    const {width, height} = this.whole;
    const small = node("canvas", {width: height, height: width}); // frames are its rows
    small.getContext("2d").putImageData(new ImageData(image, height, width), 0, 0);
    const context = this.whole.getContext("2d");
    context.setTransform(0, -1, 1, 0, 0, height);
    context.drawImage(small, 0, 0);
    this._draw();
  }

  _draw() {
    const {width, height} = this.canvas, context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(this.whole, this.from * width, 0, (this.to - this.from) * width, height,
      0, 0, width, height);
  }

  // Shows 1/factor as much as now, around the playhead or a share of the clip; 0: all of it.
  zoom(factor, around = this._share(this.live.position)) {
    const size = this.to - this.from;
    const wanted = factor ? Math.min(1, Math.max(CLOSEST, size / factor)) : 1;
    const inside = around >= this.from && around <= this.to;
    const keep = inside ? (around - this.from) / size : 0.5;
    this._look(around - keep * wanted, wanted);
  }

  _look(from, size) {
    this.from = Math.min(1 - size, Math.max(0, from));
    this.to = this.from + size;
    this._draw();
    this.show();
    this.follow();
  }

  show() {
    const {data, selection, threshold, player} = this.live;
    this.canvas.setAttribute("aria-label", "Mel spectrogram with what is kept in colour: " +
      `${selection}, for ${data.target} at τ ${threshold.toFixed(2)}.`);
    const {duration, region} = player;
    const [start, size] = [data.start + this.from * duration, (this.to - this.from) * duration];
    this.seconds.replaceChildren(...(duration ? marks(start, size) : []).map(([place, text]) =>
      node("span", {style: `left:${100 * place}%`}, text)));
    this.out.disabled = this.to - this.from === 1;
    this.region.hidden = !region;
    if (!region) return;
    const [left, right] = region.map(seconds =>
      Math.min(1, Math.max(0, this._place(this._share(seconds)))));
    this.region.style.left = `${100 * left}%`;
    this.region.style.width = `${100 * (right - left)}%`;
  }

  follow() {
    const {position, playing} = this.live;
    const now = this._share(position), size = this.to - this.from;
    // Where the playhead leaves what is shown, the picture turns a page.
    const leaves = playing && size < 1 && this.inside && (now < this.from || now >= this.to);
    this.inside = now >= this.from && now < this.to;
    if (leaves) return this._look(now, size);
    this.head.hidden = !this.inside && now !== this.to;
    this.head.style.left = `${100 * this._place(now)}%`;
  }

  _share(seconds) { return this.live.player.duration ? seconds / this.live.player.duration : 0; }
  _place(share) { return (share - this.from) / (this.to - this.from); }

  // Where an event is: its share of the clip, and of the height.
  _at({clientX, clientY}) {
    const box = this.canvas.getBoundingClientRect();
    const across = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
    return [this.from + across * (this.to - this.from), 1 - (clientY - box.top) / box.height];
  }

  _press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pressed = {x: event.clientX, share: this._at(event)[0]};
  }

  _move(event) {
    this._say(...this._at(event));
    if (!this.pressed || Math.abs(event.clientX - this.pressed.x) < DRAG) return;
    this.pressed.dragged = true;
    const {duration} = this.live.player;
    const ends = [this.pressed.share, this._at(event)[0]].map(share => share * duration);
    this.live.chooseLoop(...ends.sort((a, b) => a - b));
  }

  _lift(event) {
    const {pressed} = this;
    this.pressed = null;
    if (!pressed || pressed.dragged) return;
    this.live.clearLoop();
    this.live.seek(this._at(event)[0] * this.live.player.duration);
  }

  _wheel(event) {
    const [share] = this._at(event), size = this.to - this.from;
    if (event.ctrlKey) this.zoom(2 ** (-event.deltaY / 200), share);
    else if (event.deltaX && size < 1) this._look(this.from + size * event.deltaX / 500, size);
    else return;
    event.preventDefault();
  }

  // What lies below the pointer, the loudest band of the clip at 0 dB.
  _say(share, height) {
    const {clip, data, player} = this.live, {content, levels} = clip ?? {};
    if (!levels?.kept) return;
    const {shown, mel, melHertz} = content;
    const frame = Math.min(shown - 1, Math.max(0, Math.round(share * (shown - 1))));
    const band = Math.min(mel.bands - 1, Math.max(0, Math.floor(height * mel.bands)));
    const at = frame * mel.bands + band;
    const [whole, kept] = [levels.whole[at], 20 * Math.log10(Math.max(levels.kept[at], 1e-10))]
      .map(level => belowFull(level - levels.reference, content.topDb));
    const seconds = (data.start + share * player.duration).toFixed(2);
    this.said.textContent =
      `${hertz(melHertz[band])} · ${seconds}\u202fs · A ${whole} · B ${kept}`;
  }
}

// The times to mark from `start` on, `size` seconds long: [place in 0 … 1, text].
function marks(start, size) {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
  const step = steps.find(step => size / step <= 6) ?? Math.ceil(size / 60) * 10;
  const first = Math.ceil(start / step - 1e-6), last = Math.floor((start + size) / step + 1e-6);
  return Array.from({length: last - first + 1}, (_, i) => [((first + i) * step - start) / size,
    `${+((first + i) * step).toFixed(2)}${i ? "" : " s"}`]);
}
