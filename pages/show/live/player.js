// One sound at a time, looping over all of it or over a region. A source's buffer cannot be changed
// while it plays, so a changed sound is a new source at the same position, with a short crossfade.

const FADE = 0.01; // seconds of crossfade where the sound changes

class Player {
  constructor(ended) {
    this.ended = ended;
    this.context = this.sound = this.voice = this.timer = null;
    this.rate = this.level = this.volume = 1;
    this.place = 0; // seconds, while not playing
    this.playing = false;
    this.loop = true;
    this.region = null; // [from, to] in seconds, which is looped whether `loop` is set or not
  }

  get duration() {
    return this.sound ? this.sound.length / this.rate : 0;
  }

  get looping() { return this.loop || this.region !== null; }

  // Seconds from where to where it plays.
  get bounds() {
    const {duration} = this, [from, to] = this.region ?? [0, duration];
    return from < duration - FADE ? [from, Math.min(to, duration)] : [0, duration];
  }

  get position() {
    if (!this.playing) return Math.min(this.place, this.duration);
    const place = this.voice.offset + Math.max(0, this.context.currentTime - this.voice.since);
    const [from, to] = this.bounds;
    if (!this.looping) return Math.min(place, to);
    return place < to ? place : from + (place - from) % (to - from);
  }

  // Another sound; a shorter one that has ended at this place begins again.
  use(sound, rate) {
    if (this.playing && sound) {
      this.voice.offset = this.position;
      this.voice.since = this.context.currentTime;
    }
    this.sound = sound;
    this.rate = rate;
  }

  // What takes time before the first sound; browsers want a gesture before it.
  warm() {
    if (this.context) return;
    this.context = new (window.AudioContext || window.webkitAudioContext)();
    this.master = this.context.createGain();
    this.master.gain.value = this.level * this.volume;
    this.master.connect(this.context.destination);
  }

  play() {
    this.warm();
    this.context.resume();
    this._start(this.place);
    this.playing = true;
  }

  pause() {
    this.place = this.position;
    this.playing = false;
    this._release(this.context.currentTime);
  }

  // Silent, at the beginning, without a sound.
  clear() {
    if (this.playing) this.pause();
    this.use(null, 1);
    this.place = 0;
    this.region = null;
  }

  seek(seconds) {
    this.place = Math.min(Math.max(0, seconds), this.duration);
    if (this.playing) this._start(this.place);
  }

  setLoop(loop) {
    const place = this.position;
    this.loop = loop;
    this.seek(place);
  }

  // [from, to] in seconds, or null for all of it.
  setRegion(region) {
    const place = this.position;
    this.region = region;
    this.seek(place);
  }

  setLevel(level) {
    if (level === this.level) return;
    this.level = level;
    this._gain();
  }

  // The listener's own volume, on top of the level that sounds are compared at.
  setVolume(volume) {
    this.volume = volume;
    this._gain();
  }

  _gain() {
    this.master?.gain.setTargetAtTime(this.level * this.volume, this.context.currentTime, 0.01);
  }

  // The samples changed: go on with them from where we are. At most one crossfade at a time.
  refresh() {
    if (!this.playing || this.timer !== null) return;
    const wait = 1000 * (this.voice.began + 2 * FADE - this.context.currentTime);
    if (wait <= 0) return this._start(this.position);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.refresh();
    }, wait);
  }

  close() {
    clearTimeout(this.timer);
    this.playing = false;
    this.context?.close();
  }

  _start(place) {
    const {context} = this, [from, to] = this.bounds;
    const offset = place < to - FADE && (!this.region || place >= from) ? place : from;
    const began = context.currentTime;
    const buffer = context.createBuffer(1, this.sound.length, this.rate);
    buffer.copyToChannel(this.sound, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.loop = this.looping;
    [source.loopStart, source.loopEnd] = [from, to];
    const fade = context.createGain();
    fade.gain.setValueAtTime(0, began);
    fade.gain.linearRampToValueAtTime(1, began + FADE);
    source.connect(fade).connect(this.master);
    this._release(began);
    source.start(began, offset);
    const voice = (this.voice = {source, fade, began, since: began, offset});
    source.onended = () => {
      if (this.voice !== voice || !this.playing) return;
      this.playing = false;
      this.place = 0;
      this.voice = null;
      this.ended();
    };
  }

  _release(time) {
    const old = this.voice;
    if (!old) return;
    this.voice = null;
    const {gain} = old.fade;
    gain.cancelScheduledValues(time);
    gain.setValueAtTime(gain.value, time);
    gain.linearRampToValueAtTime(0, time + FADE);
    old.source.stop(time + 2 * FADE);
  }
}
