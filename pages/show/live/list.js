// The components, most relevant first: each on or off, at its gain, or alone.

class ComponentList {
  constructor(live) {
    this.live = live;
    this.rows = [];
    this.all = false; // all are listed, not only the first ones
    this.list = node("ol", {class: "l2i-list", "aria-label": "Components, most relevant first"});
    this.more = button({class: "l2i-quiet"}, () => {
      this.all = !this.all;
      this._fill();
      this.show();
    });
    this.reset = button({class: "l2i-quiet"}, () => {
      live.setGains(null);
      live.release();
    }, "Back to τ alone");
    const choose = (title, gainOf) =>
      button({class: "l2i-quiet"}, () => live.choose(gainOf), title);
    this.root = node("section", {class: "l2i-components", "aria-label": "Components"},
      node("div", {class: "l2i-listhead"}, node("span", {}, "Components, most relevant first"),
        node("span", {class: "l2i-zoom", role: "group", "aria-label": "Choose components"},
          this.reset, choose("none", () => 0), choose("all", () => 1),
          choose("invert", gain => (gain > 0 ? 0 : 1)))),
      this.list, this.more);
  }

  show() {
    const {data, gains, choice, solos, own} = this.live;
    if (data !== this.data) this._take(data);
    this.reset.hidden = !own;
    for (const {k, row, box, gain, solo, play} of this.rows) {
      row.dataset.on = box.checked = gains[k] > 0;
      row.dataset.own = choice.overrides.has(k);
      if (Number(gain.value) !== gains[k]) gain.value = gains[k];
      gain.setAttribute("aria-valuetext", gains[k].toFixed(2));
      solo.setAttribute("aria-pressed", solos.has(k));
      play.setAttribute("aria-pressed", solos.has(k) && solos.size === 1);
    }
  }

  // Rows that would be the same stay, and with them the keyboard's focus.
  _take(data) {
    this.data = data;
    const {relevance, labels, shapes, centres, listed} = data;
    const content = JSON.stringify([relevance, labels, shapes, centres, listed]);
    if (content !== this.content) this._fill();
    this.content = content;
  }

  _fill() {
    const {order} = this.live;
    const {listed} = this.data;
    this.rows = order.slice(0, this.all ? order.length : listed).map(k => this._row(k));
    this.list.replaceChildren(...this.rows.map(({row}) => row));
    this.more.textContent = this.all ? `Show the first ${listed}` : `Show all ${order.length}`;
    this.more.hidden = order.length <= listed;
  }

  _row(k) {
    const {live, data} = this;
    const r = data.relevance[k], label = data.labels[k];
    const box = node("input", {
      type: "checkbox", "aria-label": `Component ${label} on`, on: {change: () => {
        live.override(k, box.checked ? 1 : 0);
        live.release();
      }},
    });
    const gain = node("input", {
      type: "range", min: 0, max: 1, step: 0.05, class: "l2i-gain",
      "aria-label": `Gain of component ${label}`, on: {
        input: () => live.override(k, Number(gain.value)),
        change: () => live.soon(),
      },
    });
    const solo = button({
      class: "l2i-solo", title: "Solo: it and others that are solo",
      "aria-label": `Hear component ${label} alone`,
    }, () => {
      const {solos} = live;
      if (!solos.delete(k)) solos.add(k);
      live.solo(solos);
    }, "S");
    const play = button({
      class: "l2i-shaped", title: "Hear it", "aria-label": `Only component ${label}`,
    }, () => live.solo(play.getAttribute("aria-pressed") === "true" ? [] : [k]),
    thumbnail(data.shapes[k]));
    solo.hidden = play.disabled = !live.canPlay;
    const row = node("li", {"data-component": k, "data-named": label !== `#${k}`},
      node("label", {}, box, ` ${label}`), play,
      node("span", {class: "l2i-bar"}, node("i", {style: `width:${100 * Math.max(0, r)}%`})),
      node("span", {class: "l2i-number"}, signed(r, 2)),
      node("span", {class: "l2i-number l2i-centre"}, data.centres[k]), gain, solo);
    return {k, row, box, gain, solo, play};
  }
}
