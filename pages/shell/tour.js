// What is given makes the text new at each stop: a script runs when its text is.
(() => {
  const stop = GIVEN;
  let closed = false;
  try { closed = localStorage.getItem('l2i-tour') === 'closed'; } catch { /* nothing is kept */ }
  if (!closed || stop.openings > 0) document.documentElement.dataset.l2iTour = 'open';
  const card = document.querySelector('.st-key-tour');
  card?.setAttribute('role', 'region');
  card?.setAttribute('aria-label', 'Guided tour');
  // A page that the reader has just opened stays where it is; the thing may come after the card.
  const scroll = left => {
    const thing = [...document.querySelectorAll(stop.at)].find(e => e.offsetParent !== null);
    if (thing) thing.scrollIntoView({block: thing.offsetHeight > innerHeight / 2 ? 'start' : 'center'});
    else if (left > 0) setTimeout(scroll, 200, left - 1);
  };
  if (stop.moved && document.documentElement.dataset.l2iTour) scroll(25);
  if (window.l2iTour) return;
  window.l2iTour = true;
  document.addEventListener('click', event => {
    if (!event.target.closest?.('.st-key-tour-close')) return;
    delete document.documentElement.dataset.l2iTour;
    try { localStorage.setItem('l2i-tour', 'closed'); } catch { /* the session remembers */ }
  }, true);
})()
