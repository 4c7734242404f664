// A sound alone and in a mixture, each as input, interpretation and residual, and what was added:
// seven sounds at one gain, which switch at the playhead.

const SIDES = ["alone", "mixture", "added"];

export default function ({data, parentElement, setStateValue}) {
  const compared = (parentElement.compared ??= new Compared(parentElement, setStateValue));
  compared.receive(data);
  return () => {
    compared.destroy();
    delete parentElement.compared;
  };
}

class Compared extends Listening {
  constructor(parent, setStateValue) {
    super();
    this.state = "loading"; // "ready" once the sounds are here
    this.sounds = null; // by name, "alone-input" … "mixture-residual", "added"
    this.side = this.pair = "mixture"; // pair: the side to which A, B and C lead back from "added"
    this.part = "input";
    this.heard = "mixture-input";
    const transport = new Transport(this, [{
      label: "With or without the added sound",
      options: () => SIDES.map((side, i) => [side, String(i + 1), this.data?.heads[i] ?? ""]),
      pressed: side => this.side === side,
      choose: side => this._choose(side, this.part),
    }, {
      label: "Sound",
      options: () => SOUNDS,
      pressed: part => this.side !== "added" && this.part === part,
      choose: part => this._choose(this.pair, part),
    }]);
    this.parts = {transport};
    this._mount(parent, "compared-sounds", transport.root);
    this._onBytes(() => this._load());
    if (!this.canPlay) setStateValue("fallback", true);
  }

  // Other sounds of the same subject (another SNR, another τ) go on where the last ones were.
  receive(data) {
    const old = this.data;
    this.data = data;
    this.root.setAttribute("aria-label", data.label);
    if (old && old.subject !== data.subject) this.player.clear();
    if (old?.digest !== data.digest) this._load();
    this._show();
  }

  _load() {
    const bytes = window.l2iClips?.get(this.data.digest);
    this.state = bytes ? "ready" : "loading";
    if (bytes) {
      const {rate, arrays, ...sounds} = unpack(bytes);
      this.rate = rate;
      this.sounds = Object.fromEntries(this.data.names.map(name =>
        [name, Float32Array.from(sounds[name], level => level / 32768)]));
      this.player.use(this.signal(this.heard), rate);
      this.player.refresh();
    }
    this._show();
  }

  _choose(side, part) {
    this.side = side;
    if (side !== "added") {
      this.pair = side;
      this.part = part;
    }
    this.hear(side === "added" ? side : `${side}-${part}`);
  }

  get ready() { return this.state === "ready"; }
  get gain() { return this.data?.gain ?? ""; }

  signal(name) { return this.sounds[name]; }

  _level() {} // the server gave all of them one gain
}
