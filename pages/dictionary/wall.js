// The wall of spectral shapes: one button a component. Arrow keys move, Enter or Space chooses.

const SVG = "http://www.w3.org/2000/svg";
const walls = new WeakMap();

export default function ({data, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector(".wall");
  const wall = walls.get(root) || new Wall(root);
  walls.set(root, wall);
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
      const held = this.root.getRootNode().activeElement;
      const focused = held && held.dataset ? held.dataset.k : null;
      this.root.replaceChildren(...cells.map(cell => draw(cell)));
      this.drawn = content;
      const again = focused !== null && this.find(focused);
      if (again) again.focus({preventScroll: true});
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
    const entry = this.find(k) || cells[0];
    if (entry) entry.tabIndex = 0;
    const chosen = this.find(k);
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
  const cell = document.createElement("button");
  cell.type = "button";
  cell.dataset.k = k;
  cell.dataset.sign = sign;
  cell.dataset.silent = silent;
  cell.setAttribute("aria-label", title);
  cell.title = title;
  const head = text("span", "head", "");
  head.append(text("b", "", number), text("span", "figure", figure));
  cell.append(head, picture(shape, strength), text("span", named ? "below named" : "below", below));
  return cell;
}

function picture(shape, strength) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${shape.length - 1} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  const line = shape.map((value, x) => `L${x} ${100 - value}`).join("");
  path.setAttribute("d", `M0 100${line}L${shape.length - 1} 100Z`);
  path.style.opacity = String(strength);
  svg.append(path);
  return svg;
}

function text(tag, name, content) {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = content;
  return made;
}
