// The row that plays: which sound, the position in it, the level.

const SOUNDS = [
  ["input", "A", "input"],
  ["interpretation", "B", "what it listened to"],
  ["residual", "C", "what is left"],
];

class Transport {
  // groups: {label, options() → [[name, key, title], …] (as many each time), pressed(name),
  // choose(name)}, one for each question that the choice of a sound answers.
  constructor(live, groups) {
    this.live = live;
    this.play = button({class: "l2i-play"}, () => live.toggle());
    this.groups = groups.map(group => {
      const tabs = group.options().map(([name, letter]) =>
        button({}, () => group.choose(name), node("b", {}, letter), node("span")));
      const attributes = {class: "l2i-tabs", role: "group", "aria-label": group.label};
      return {...group, tabs, root: node("div", attributes, ...tabs)};
    });
    this.position = node("input", {
      type: "range", min: 0, step: 0.01, value: 0, "aria-label": "Position", class: "l2i-position",
      on: {input: () => live.seek(Number(this.position.value))},
    });
    this.time = node("span", {class: "l2i-time"});
    this.loop = button({class: "l2i-quiet"}, () => {
      live.player.setLoop(!live.player.loop);
      this.show();
    }, "loop");
    this.mode = choices("Level of A, B and C",
      [["true", "true level"], ["loudness", "loudness-matched"]], mode => live.setLevelMode(mode));
    this.mode.hidden = !live.setLevelMode;
    this.gain = node("span", {class: "l2i-note"});
    this.root = live.canPlay
      ? node("div", {class: "l2i-row"}, this.play, ...this.groups.map(({root}) => root),
        this.position, this.time, this.loop, this.mode, this.gain)
      : node("p", {class: "l2i-note", role: "note"},
        "This browser has no Web Audio, so the sound cannot follow τ while you drag; use the " +
        "plain players, which change when you let go.");
  }

  show() {
    const {player, matched, gain} = this.live;
    this.play.dataset.playing = player.playing;
    this.play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    for (const {options, pressed, tabs} of this.groups) {
      options().forEach(([name, letter, title], i) => {
        tabs[i].setAttribute("aria-pressed", pressed(name));
        tabs[i].setAttribute("aria-label", `${letter}: ${title}`);
        tabs[i].lastChild.textContent = ` ${title}`;
      });
    }
    this.loop.setAttribute("aria-pressed", player.loop);
    this.position.max = player.duration.toFixed(2);
    this.mode.value = matched ? "loudness" : "true";
    this.gain.textContent = gain;
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
