// What is kept, in colour, the rest of the input grey, and where it plays.

class Picture {
  constructor(live) {
    this.live = live;
    this.canvas = node("canvas", {role: "img", on: {click: event => {
      const box = this.canvas.getBoundingClientRect();
      live.seek(((event.clientX - box.left) / box.width) * live.player.duration);
    }}});
    this.head = node("div", {class: "l2i-head", "aria-hidden": "true"});
    this.hertz = node("div", {class: "l2i-hertz", "aria-hidden": "true"});
    this.seconds = node("div", {class: "l2i-seconds", "aria-hidden": "true"});
    this.root = node("figure", {class: "l2i-picture"},
      node("figcaption", {}, "What is kept, in colour; the rest of the input, grey"),
      node("div", {class: "l2i-plot"}, this.hertz,
        node("div", {class: "l2i-image"}, this.canvas, this.head), this.seconds));
  }

  // An empty one of `shown` frames; hertz and seconds: [place in 0 … 1, text] along the axes.
  clear({shown, mel, hertz}, seconds) {
    this.canvas.width = shown;
    this.canvas.height = mel.bands;
    const axis = (ticks, side) => ticks.map(([place, text]) =>
      node("span", {style: `${side}:${100 * place}%`}, text));
    this.hertz.replaceChildren(...axis(hertz, "bottom"), node("span", {class: "l2i-unit"}, "Hz"));
    this.seconds.replaceChildren(...axis(seconds, "left"));
  }

  paint(image) {
    const {width, height} = this.canvas;
    const small = node("canvas", {width: height, height: width}); // frames are its rows
    small.getContext("2d").putImageData(new ImageData(image, height, width), 0, 0);
    const context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.setTransform(0, -1, 1, 0, 0, height);
    context.drawImage(small, 0, 0);
  }

  show() {
    const {data, selection, threshold} = this.live;
    this.canvas.setAttribute("aria-label", "Mel spectrogram with what is kept in colour: " +
      `${selection}, for ${data.target} at τ ${threshold.toFixed(2)}.`);
  }

  follow() {
    const {position, duration} = this.live.player;
    this.head.style.left = `${duration ? (100 * position) / duration : 0}%`;
  }
}
