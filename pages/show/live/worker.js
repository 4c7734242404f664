// The worker's end: the latest request wins, the stretch at the playhead comes first, and each
// chunk is posted as soon as it is ready. Runs after stft.js, bands.js and core.js in one Blob.

let core = null;
let waiting = []; // ids of requests that the running render will answer
let queue = [];
let running = false;
let began = 0;
const breath = new MessageChannel();

self.onmessage = ({data}) => {
  if (data.clip) {
    core = new L2iCore(data.clip);
    const input = core.render().left; // nothing is selected yet: all of the input is residual
    const {whole, reference} = core.bands;
    self.postMessage({input, whole, reference}, [input.buffer]);
    core.chunkStamp.fill(0);
    return;
  }
  began = performance.now();
  core.setTarget(data.gains, data.domain);
  waiting.push(data.id);
  // Playback goes on from the playhead and begins again at the end.
  const first = Math.min(core.chunks - 1, Math.max(0, Math.floor(data.position / core.chunkSize)));
  queue = Array.from({length: core.chunks}, (_, i) => (first + i) % core.chunks);
  if (!running) work();
};

async function work() {
  running = true;
  let last = performance.now();
  while (queue.length) {
    const chunk = core.renderChunk(queue.shift());
    if (chunk) self.postMessage({chunk}, [chunk.kept.buffer, chunk.left.buffer]);
    if (queue.length && performance.now() - last > 5) {
      await breathe();
      last = performance.now();
    }
  }
  const ids = waiting;
  waiting = [];
  self.postMessage({
    done: ids,
    milliseconds: performance.now() - began,
    energy: core.energyKept(),
  });
  // The picture follows the sound, unless something newer is to be heard first.
  await breathe();
  if (queue.length) return work();
  running = false;
  const image = core.bands.paint().slice();
  const levels = core.bands.sums.slice();
  self.postMessage({image, levels}, [image.buffer, levels.buffer]);
}

// Lets a newer request in.
function breathe() {
  return new Promise(done => {
    breath.port1.onmessage = done;
    breath.port2.postMessage(0);
  });
}
