// One sounds at a time, and a switch keeps the play position; a sound that is replaced while it
// plays goes on where it was. Listeners on the document, once per browser tab.
(() => {
  if (window.l2iPlayers) return;
  const state = window.l2iPlayers = {position: 0, playing: null, loading: false};
  const ours = audio => audio.matches && audio.matches('[class*=st-key-players] audio');
  const on = (name, act) => document.addEventListener(
    name, event => { if (ours(event.target)) act(event.target); }, true);
  on('play', audio => {
    if (state.playing && state.playing !== audio) state.position = state.playing.currentTime;
    for (const other of document.querySelectorAll('audio')) if (other !== audio) other.pause();
    const place = Math.min(state.position, audio.duration || 0);
    if (state.playing !== audio && Math.abs(audio.currentTime - place) > 0.05) audio.currentTime = place;
    state.playing = audio;
  });
  on('pause', audio => { if (state.playing === audio && !state.loading) state.playing = null; });
  on('ended', audio => { state.playing = null; state.position = 0; });
  on('emptied', audio => { if (state.playing === audio) state.loading = true; });
  on('timeupdate', audio => {
    if (state.playing === audio && !state.loading) state.position = audio.currentTime; });
  on('seeked', audio => { if (!state.loading && audio.paused) state.position = audio.currentTime; });
  on('loadedmetadata', audio => {
    if (state.playing !== audio || !state.loading) return;
    state.loading = false;
    audio.currentTime = Math.min(state.position, audio.duration || 0);
    audio.play().catch(() => { state.playing = null; });
  });
})();
