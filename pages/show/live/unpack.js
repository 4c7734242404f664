// What live.py packs: a header in JSON, then arrays, each found under its name beside the header's.
function unpack(bytes) {
  const {arrays, ...content} = header(bytes);
  const size = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const body = bytes.slice(4 + size).buffer; // copied, so that it is aligned and ours
  const kinds = {f4: Float32Array, i2: Int16Array, i4: Int32Array, u1: Uint8Array};
  for (const [name, kind, offset, count] of arrays) {
    content[name] = new kinds[kind](body, offset, count);
  }
  return content;
}

function header(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
}
