// Elements of the page.

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") {
      for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    } else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function button(attributes, act, ...children) {
  return node("button", {type: "button", ...attributes, on: {click: act}}, ...children);
}

function choices(label, options, act) {
  return node("select", {"aria-label": label, on: {change: event => act(event.target.value)}},
    ...options.map(([value, text]) => node("option", {value}, text)));
}

// A component's spectral shape, low frequencies on the left.
function thumbnail(heights) {
  const last = heights.length - 1;
  const points = heights.map((height, i) => `L${i} ${100 - height}`).join("");
  const holder = node("div");
  holder.innerHTML = `<svg class="l2i-shape" viewBox="0 0 ${last} 100" preserveAspectRatio="none"
    aria-hidden="true"><path d="M0 100${points}L${last} 100Z"/></svg>`;
  return holder.firstChild;
}
