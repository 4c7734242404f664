// Receives one clip's arrays as bytes and keeps them for the component that plays. A component of
// its own, because its data then stay the same while τ changes: the server sends them once.

export default function ({data, parentElement}) {
  if (!parentElement.querySelector(".l2i-store")) {
    const mark = document.createElement("span"); // for live.css, which takes away the empty row
    mark.className = "l2i-store";
    parentElement.append(mark);
  }
  if (!data || !data.length) return;
  const shelf = (window.l2iClips ??= new Map());
  const size = new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
  const {digest} = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + size)));
  if (shelf.has(digest)) return;
  shelf.set(digest, data);
  while (shelf.size > 2) shelf.delete(shelf.keys().next().value);
  window.dispatchEvent(new CustomEvent("l2i-clip", {detail: digest}));
}
