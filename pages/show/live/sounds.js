// A set of sounds that the server made, at one gain and one playhead, with their pictures where it
// gave some. A name may answer several questions, as "mixture-input" does.

export default function ({data, parentElement, setStateValue}) {
  const sounds = (parentElement.sounds ??= new Sounds(parentElement, setStateValue));
  sounds.receive(data);
  return () => {
    sounds.destroy();
    delete parentElement.sounds;
  };
}

class Sounds extends Listening {
  constructor(parent, setStateValue) {
    super();
    this.state = "loading"; // "ready" once the sounds are here
    this.picked = []; // the answer to each question, but for a sound that is an answer by itself
    const transport = new Transport(this, []), gallery = new Gallery(this);
    this.parts = {transport, gallery};
    this._mount(parent, "sounds", transport.root, gallery.root);
    if (!this.canPlay) setStateValue("fallback", true);
  }

  // Other sounds of the same subject (another SNR, another τ) go on where the last ones were.
  receive(bytes) {
    const {digest} = header(bytes);
    if (digest === this.data?.digest) return;
    const old = this.data, {arrays, ...data} = unpack(bytes);
    this.data = data;
    this.root.setAttribute("aria-label", data.label);
    this.root.dataset.set = data.set;
    if (old && old.subject !== data.subject) this.player.clear();
    this.sounds = Object.fromEntries(data.names.map(name =>
      [name, Float32Array.from(data[name], level => level / 32768)]));
    if (!(this.heard in this.sounds)) {
      this.picked = data.first;
      this.heard = data.first.join("-");
    }
    this.parts.transport.ask(data.groups.map((group, place) => ({
      label: group.label,
      options: () => group.options,
      pressed: option => this._pressed(option),
      choose: option => this._choose(place, option),
    })));
    this.parts.gallery.take(data);
    this.player.use(this.signal(this.heard), this.rate);
    this.player.refresh();
    this.state = "ready";
    this._show();
  }

  _pressed(option) {
    return this.heard === option || this.heard.split("-").includes(option);
  }

  _choose(place, option) {
    if (option in this.sounds) return this.hear(option);
    this.picked = this.picked.map((old, i) => (i === place ? option : old));
    this.hear(this.picked.join("-"));
  }

  get ready() { return this.state === "ready"; }
  get rate() { return this.data.rates[this.heard]; }
  get gain() { return this.data?.gain ?? ""; }

  signal(name) { return this.sounds[name]; }

  // The sound that is heard, as it is heard but for the volume.
  save() {
    const address = URL.createObjectURL(new Blob([wav(this.data[this.heard], this.rate)]));
    node("a", {href: address, download: this.data.files[this.heard]}).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  _level() {} // the server gave all of them one gain
}

// The pictures, each with its sound's playhead; a click hears that sound from there.
class Gallery {
  constructor(live) {
    this.live = live;
    this.root = node("div", {class: "l2i-gallery"});
  }

  take({names, titles, notes, alts, frame, ...data}) {
    for (const {address} of this.figures ?? []) URL.revokeObjectURL(address);
    const [left, width] = frame;
    this.frame = frame;
    this.figures = names.filter(name => data[`picture-${name}`]).map(name => {
      const address = URL.createObjectURL(
        new Blob([data[`picture-${name}`]], {type: "image/png"}));
      const image = node("img", {src: address, alt: alts[name], on: {click: event => {
        const box = image.getBoundingClientRect();
        const place = ((event.clientX - box.left) / box.width - left) / width;
        this.live.hear(name);
        this.live.seek(place * this.live.player.duration);
        this.live.play();
      }}});
      const head = node("div", {class: "l2i-head", "aria-hidden": "true"});
      const root = node("figure", {},
        node("figcaption", {}, node("b", {}, titles[name]), node("span", {}, notes[name])),
        node("div", {class: "l2i-image"}, image, head));
      return {name, root, head, address};
    });
    this.root.replaceChildren(...this.figures.map(({root}) => root));
    this.root.hidden = !this.figures.length;
  }

  show() {
    for (const {name, root} of this.figures ?? []) root.dataset.heard = this.live.heard === name;
  }

  follow() {
    const {position, duration} = this.live.player, [left, width] = this.frame;
    const place = left + width * (duration ? position / duration : 0);
    for (const {head} of this.figures) head.style.left = `${100 * place}%`;
  }
}

// 16-bit WAV of mono samples.
function wav(samples, rate) {
  const head = new DataView(new ArrayBuffer(44));
  const text = (place, word) => [...word].forEach((letter, i) =>
    head.setUint8(place + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 36 + samples.byteLength, true);
  text(8, "WAVEfmt ");
  [[16, 16], [24, rate], [28, 2 * rate], [40, samples.byteLength]].forEach(([place, value]) =>
    head.setUint32(place, value, true));
  [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([place, value]) =>
    head.setUint16(place, value, true));
  text(36, "data");
  return new Blob([head, samples], {type: "audio/wav"});
}
