// Keyboard: j and k move over rows marked data-row, Enter opens one, letters press the buttons
// that name them in data-key.
(() => {
  const places = { t: "tonight", e: "event_list", o: "targets:list", r: "request_list", m: "message_list" };
  let afterG = 0;
  // The row under the keys, and where it stood. The server's swaps replace rows, and what they
  // settle later takes classes away: a class says nothing of the place.
  let place = null;

  const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
  const current = () => (place?.row.isConnected ? place.row : place && document.getElementById(place.row.id));

  function mark(row) {
    document.querySelector("[data-row].current")?.classList.remove("current");
    row.classList.add("current");
    row.tabIndex = -1;
    place = { row, at: rows().indexOf(row) };
  }

  // A row that went leaves its place to the next.
  function restore() {
    const all = rows();
    if (!place || !all.length) return;
    const row = current() || all[Math.min(place.at, all.length - 1)];
    mark(row);
    if (document.activeElement === document.body) row.focus({ preventScroll: true });
  }

  function select(row) {
    mark(row);
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    restore();
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    select(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
  }

  const open = () => current()?.querySelector("a[href]")?.click();
  const help = () => document.getElementById("keys-help")?.showModal();
  const search = () => document.getElementById("search")?.focus();
  const actions = {
    j: () => move(1), k: () => move(-1), "?": help, "/": search, g: () => { afterG = Date.now(); },
  };

  function press(key) {
    if (Date.now() - afterG < 1200 && places[key]) {
      document.querySelector(`[data-place="${places[key]}"]`)?.click();
      return true;
    }
    if (actions[key]) {
      actions[key]();
      return true;
    }
    const button = current()?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    button?.click();
    return Boolean(button);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "Enter" && event.target.matches("[data-row]")) open();
    else if (press(event.key)) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open)?.showModal();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("htmx:afterSettle", restore);
})();
