// On a narrow screen the menu is one row that scrolls: show the place where the reader is, and
// the one that has the focus, whole.
(() => {
  const places = document.querySelector(".places");
  if (!places) return;

  function show(place) {
    const middle = place.offsetLeft - places.offsetLeft + place.offsetWidth / 2;
    places.scrollLeft = middle - places.clientWidth / 2;
  }

  const here = places.querySelector("[aria-current]");
  if (here) show(here);
  places.addEventListener("focusin", ({ target }) => show(target));
})();
