// The wall of spectral shapes: one button a component. Arrow keys move, Enter or Space chooses.
// Runs after show/live/nodes.js.

export default function ({data, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector(".wall");
  const wall = (root.wall ??= new Wall(root));
  wall.choose = k => setTriggerValue("chosen", k);
  wall.show(data);
}

class Wall {
  constructor(root) {
    this.root = root;
    this.drawn = "";
    root.addEventListener("click", event => {
      const cell = event.target.closest("button");
      if (cell) this.pick(cell);
    });
    root.addEventListener("keydown", event => this.key(event));
  }

  show({label, cells, chosen}) {
    const content = JSON.stringify(cells);
    if (content !== this.drawn) {
      const focused = this.root.getRootNode().activeElement?.dataset?.k;
      this.root.replaceChildren(...cells.map(cell => draw(cell)));
      this.drawn = content;
      this.marked = null;
      if (focused) this.find(focused)?.focus({preventScroll: true});
    }
    this.root.setAttribute("aria-label", label);
    this.mark(String(chosen));
  }

  pick(cell) {
    this.mark(cell.dataset.k);
    this.choose(Number(cell.dataset.k));
  }

  mark(k) {
    const cells = [...this.root.children];
    for (const cell of cells) {
      cell.setAttribute("aria-pressed", String(cell.dataset.k === k));
      cell.tabIndex = -1;
    }
    const chosen = this.find(k), entry = chosen ?? cells[0];
    if (entry) entry.tabIndex = 0;
    if (chosen && this.marked !== k) this.reveal(chosen);
    this.marked = k;
  }

  // Scrolls inside the wall only: the page stays where it is.
  reveal(cell) {
    const top = cell.offsetTop - this.root.offsetTop;
    const {scrollTop, clientHeight} = this.root;
    if (top < scrollTop || top + cell.offsetHeight > scrollTop + clientHeight) {
      this.root.scrollTop = top - clientHeight / 2;
    }
  }

  find(k) {
    return this.root.querySelector(`button[data-k="${CSS.escape(k)}"]`);
  }

  key(event) {
    const cells = [...this.root.children];
    const at = cells.indexOf(event.target.closest("button"));
    if (at < 0) return;
    const columns = cells.filter(cell => cell.offsetTop === cells[0].offsetTop).length;
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      Home: 0,
      End: cells.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (!cells[to]) return;
    cells[at].tabIndex = -1;
    cells[to].tabIndex = 0;
    cells[to].focus();
  }
}

function draw({k, number, figure, below, named, shape, sign, strength, silent, title}) {
  const picture = thumbnail(shape);
  picture.firstChild.style.opacity = strength;
  return node("button", {
    type: "button", "aria-label": title, title,
    "data-k": k, "data-sign": sign, "data-silent": silent,
  },
  node("span", {class: "head"}, node("b", {}, number), node("span", {class: "figure"}, figure)),
  picture, node("span", {class: named ? "below named" : "below"}, below));
}
