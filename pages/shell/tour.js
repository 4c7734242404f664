// The count of openings makes the text new: a script runs when its text is.
(() => { // opening COUNT
  let closed = false;
  try { closed = localStorage.getItem('l2i-tour') === 'closed'; } catch { /* nothing is kept */ }
  if (!closed || COUNT > 0) document.documentElement.dataset.l2iTour = 'open';
  const card = document.querySelector('.st-key-tour');
  card?.setAttribute('role', 'region');
  card?.setAttribute('aria-label', 'Guided tour');
  if (window.l2iTour) return;
  window.l2iTour = true;
  document.addEventListener('click', event => {
    if (!event.target.closest?.('.st-key-tour-close')) return;
    delete document.documentElement.dataset.l2iTour;
    try { localStorage.setItem('l2i-tour', 'closed'); } catch { /* the session remembers */ }
  }, true);
})()
