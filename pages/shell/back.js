// One step back is one page back, and Back and Forward lead to where the reader was on it, once it
// is long enough again.
(() => {
  if (window.l2iBack) return;
  const places = (window.l2iBack = new Map());
  // A link of the navigation notes the page's bare address, and the page then its settings: as a step
  // of its own, that would make the first Back lead from the page to the page.
  const push = history.pushState;
  history.pushState = function (state, title, url) {
    const bare = !location.search && new URL(url, location.href).pathname === location.pathname;
    return (bare ? history.replaceState : push).call(this, state, title, url);
  };
  const main = () => document.querySelector('[data-testid=stMain]');
  const note = () => { if (main()) places.set(location.href, main().scrollTop); };
  let moved = -Infinity, returning = 0;
  const scrolls = () => { moved = performance.now(); returning = 0; };
  for (const name of ['wheel', 'touchmove', 'keydown'])
    document.addEventListener(name, scrolls, {capture: true, passive: true});
  // Only what the reader scrolls counts: a page that is exchanged for another scrolls as well.
  document.addEventListener('scroll', () => {
    if (performance.now() - moved < 700) note();
  }, true);
  document.addEventListener('pointerdown', () => { note(); moved = -Infinity; returning = 0; }, true);
  document.addEventListener('pointerup', event => { if (event.target === main()) note(); }, true);
  window.addEventListener('popstate', () => {
    const wanted = places.get(location.href), mine = (returning = performance.now());
    if (!wanted) return;
    const go = () => {
      if (returning !== mine || performance.now() - mine > 20000) return;
      // Pictures that come late push the page down, or are not there yet.
      if (Math.abs(main().scrollTop - wanted) > 1) main().scrollTop = wanted;
      setTimeout(go, 100);
    };
    go();
  });
})()
