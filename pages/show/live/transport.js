// The row that plays: which sound, the position in it, the level.

const SOUNDS = [
  ["input", "A", "input"],
  ["interpretation", "B", "what it listened to"],
  ["residual", "C", "what is left"],
];

class Transport {
  // groups: {label, options() → [[name, key, title], …], pressed(name), choose(name)}, one for each
  // question that the choice of a sound answers.
  constructor(live, groups) {
    this.live = live;
    this.groups = groups;
    this.play = button({class: "l2i-play"}, () => live.toggle());
    this.tabs = node("div", {class: "l2i-groups"});
    this.position = node("input", {
      type: "range", min: 0, step: 0.01, value: 0, "aria-label": "Position", class: "l2i-position",
      on: {input: () => live.seek(Number(this.position.value))},
    });
    this.time = node("span", {class: "l2i-time"});
    this.loop = button({class: "l2i-quiet"}, () => live.loop(), "loop");
    this.volume = node("input", {
      type: "range", min: 0, max: 1, step: 0.05, "aria-label": "Volume", title: "Volume",
      on: {input: () => live.setVolume(Number(this.volume.value))},
    });
    this.mode = choices("Level of A, B and C",
      [["true", "true level"], ["loudness", "loudness-matched"]], mode => live.setLevelMode(mode));
    this.mode.hidden = !live.setLevelMode;
    this.gain = node("span", {class: "l2i-note"});
    this.save = button({
      class: "l2i-quiet", "aria-label": "Save the sound that is heard as a WAV file",
    }, () => live.save(), "WAV");
    this.save.hidden = !live.save;
    this.help = button({
      class: "l2i-quiet", "aria-label": "Keys", "aria-haspopup": "dialog",
    }, () => live.keys.help(), "?");
    this.root = live.canPlay
      ? node("div", {class: "l2i-row"}, this.play, this.tabs, this.position, this.time, this.loop,
        node("label", {class: "l2i-note l2i-volume"}, "volume", this.volume), this.save, this.help,
        this.mode, this.gain)
      : node("p", {class: "l2i-note", role: "note"},
        "This browser has no Web Audio, so sounds cannot be switched at one playhead here; use the " +
        "plain players.");
  }

  // The questions as they are asked now: another set has other sounds.
  ask(groups) {
    this.groups = groups;
    this.drawn = null;
  }

  _draw() {
    const drawn = JSON.stringify(this.groups.map(({label, options}) => [label, options()]));
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.buttons = this.groups.flatMap(({options, choose, pressed}) =>
      options().map(([name, letter, title]) => ({
        pressed: () => pressed(name),
        tab: button({"aria-label": letter ? `${letter}: ${title}` : title, title},
          () => choose(name), ...(letter ? [node("b", {}, letter), " "] : []),
          node("span", {}, title)),
      })));
    const tabs = this.buttons.map(({tab}) => tab);
    this.tabs.replaceChildren(...this.groups.map(({label, options}) => node("div",
      {class: "l2i-tabs", role: "group", "aria-label": label},
      ...tabs.splice(0, options().length))));
  }

  show() {
    const {player, matched, gain, volume} = this.live;
    this.play.dataset.playing = player.playing;
    this.play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    this._draw();
    for (const {tab, pressed} of this.buttons) tab.setAttribute("aria-pressed", pressed());
    this.loop.setAttribute("aria-pressed", player.looping);
    const ends = player.region?.map(seconds => seconds.toFixed(2));
    this.loop.textContent = ends ? `loop ${ends.join("–")}\u202fs` : "loop";
    this.position.max = player.duration.toFixed(2);
    this.volume.value = volume;
    this.mode.value = matched ? "loudness" : "true";
    this.gain.textContent = gain ?? "";
  }

  // The position alone, which changes with every picture of the screen.
  follow() {
    const {playing, position: now, duration} = this.live.player;
    if (document.activeElement !== this.position || playing) this.position.value = now;
    const text = `${now.toFixed(1)} of ${duration.toFixed(1)} seconds`;
    this.position.setAttribute("aria-valuetext", text);
    this.time.textContent = `${clock(now)} / ${clock(duration)}`;
  }
}
