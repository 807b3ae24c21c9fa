// Keyboard: j and k (n and p) move over rows marked data-row, Enter opens one, letters press the
// buttons that name them in data-key: of the row, else of the page. Where a part is marked
// data-page-keys, n and p move over no rows.
(() => {
  const places = {
    t: "tonight", e: "event_list", l: "list_index", o: "targets:list", r: "request_list", f: "shift_page",
    m: "message_list", s: "stream_list",
  };
  let afterG = 0;
  // The row under the keys by its id, and all rows as they stood then: the server's swaps replace
  // rows, and what they settle later takes classes away.
  let place = null;

  const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
  const find = ({ row, id }) => (row.isConnected ? row : id && document.getElementById(id));
  const current = () => place && find(place);

  function mark(row) {
    document.querySelector("[data-row].current")?.classList.remove("current");
    row.classList.add("current");
    row.tabIndex = -1;
    const order = rows().map((each) => ({ row: each, id: each.id }));
    place = { row, id: row.id, order, at: order.findIndex((each) => each.row === row) };
  }

  function restore() {
    const row = current();
    if (!row) return;
    mark(row);
    if (document.activeElement === document.body) row.focus({ preventScroll: true });
  }

  function select(row) {
    mark(row);
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  // A row that went leaves the keys between those that stood beside it: the next step takes one of
  // these, so that none is passed over.
  function besideGap(step) {
    const stood = step > 0 ? place.order.slice(place.at + 1) : place.order.slice(0, place.at).reverse();
    const others = step > 0 ? place.order.slice(0, place.at).reverse() : place.order.slice(place.at + 1);
    const near = [...stood, ...others].find((each) => find(each));
    return near && find(near);
  }

  function move(step) {
    const all = rows();
    if (!all.length) return false;
    const row = current();
    const at = all.indexOf(row);
    if (row && at >= 0) select(all[Math.min(Math.max(at + step, 0), all.length - 1)]);
    else select((place && besideGap(step)) || all[0]);
    return true;
  }

  const open = () => current()?.querySelector("a[href]")?.click();
  const help = () => document.getElementById("keys-help")?.showModal();
  const search = () => document.getElementById("search")?.focus();
  const undo = () => document.getElementById("undo-verdict")?.requestSubmit();
  const ofPage = (named) => [...document.querySelectorAll(named)].find((each) => !each.closest("[data-row]"));
  const actions = {
    j: () => move(1), k: () => move(-1), u: undo, "?": help, "/": search, g: () => { afterG = Date.now(); },
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
    const named = `[data-key="${CSS.escape(key)}"]`;
    const button = current()?.querySelector(named) || ofPage(named);
    if (button) button.click();
    else if (key === "n" || key === "p") return !document.querySelector("[data-page-keys]") && move(key === "n" ? 1 : -1);
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

  // The address names the row that was opened, so that Back returns to it; of several candidates
  // looked at on the way it is the last.
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row][id]");
    if (!row || !event.target.closest("a[href]")) return;
    history.replaceState(history.state, "", `${location.pathname}${location.search}#${row.id}`);
  });

  function comeBack() {
    const seen = sessionStorage.getItem("row");
    const row = (seen && document.getElementById(seen)) || document.getElementById(location.hash.slice(1));
    if (!row?.matches("[data-row]")) return;
    sessionStorage.removeItem("row");
    select(row);
  }

  const opened = document.querySelector("[data-row-of]");
  if (opened) sessionStorage.setItem("row", opened.dataset.rowOf);
  window.addEventListener("pageshow", comeBack);
  document.addEventListener("htmx:afterSettle", restore);
})();
