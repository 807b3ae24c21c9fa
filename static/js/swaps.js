// The swap of a part of a page changes what changed, and nothing that the reader did: what is open stays
// open, the focus and the scroll position stay, and what was typed or chosen is kept. While a button is
// held down every part waits: one above may grow and move the button from under the pointer. The click
// would be lost, or be that of another button.
(() => {
  if (!window.htmx || !window.Idiomorph) return;
  const { defaults } = Idiomorph;
  // A page may leave to us what stands below its first screen, and its first part comes sooner.
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `swaps=1; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;

  function isChanged(control) {
    if (control.matches("select")) {
      return [...control.options].some((each) => each.selected !== each.defaultSelected)
        && control.selectedIndex !== Math.max([...control.options].findIndex((each) => each.defaultSelected), 0);
    }
    if (control.matches("input[type=checkbox], input[type=radio]")) return control.checked !== control.defaultChecked;
    return control.matches("textarea, input:not([type=hidden])") && control.value !== control.defaultValue;
  }

  defaults.callbacks.beforeNodeMorphed = (old) =>
    !(old instanceof HTMLElement && (isChanged(old) || old === document.activeElement && old.matches("input, textarea, select")));
  // `open` is the reader's; `tabindex` holds the focus of the row under the keys.
  defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.matches("details, dialog")) && !(name === "tabindex" && node.matches("[data-row]"));

  // Rows that are still to come take the height of those that are there: the page keeps its length.
  function keepPlaces() {
    for (const rows of document.querySelectorAll("tbody:has(.to-come)")) {
      const heights = [...rows.querySelectorAll("[data-row]")].map((row) => row.offsetHeight);
      const mean = heights.reduce((sum, height) => sum + height, 0) / heights.length;
      for (const place of heights.length ? rows.querySelectorAll(".to-come") : []) place.style.height = `${mean}px`;
    }
  }
  keepPlaces();

  let pressed = null;
  const held = new Set();
  const isOfPart = ({ target, requestConfig }) => target === requestConfig.elt || target.contains(pressed);
  const isByItself = (part) => /sse:|every |load|intersect/.test(part.getAttribute("hx-trigger") || "") && part.hasAttribute("hx-get");
  const isLive = (part) => /sse:|every /.test(part.getAttribute("hx-trigger") || "") && part.hasAttribute("hx-get");

  function release() {
    pressed = null;
    const parts = [...held].filter((part) => part.isConnected);
    held.clear();
    for (const part of parts) htmx.ajax("GET", part.getAttribute("hx-get"), { source: part });
  }

  // The menu of another button takes the pointer: nothing tells when it is let go.
  document.addEventListener("pointerdown", ({ target, button }) => {
    pressed = button === 0 && target instanceof Element ? target.closest("button, summary, a, label") : null;
  }, true);
  // The click comes after the pointer is up; a button that is dragged away from is let go, too.
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => setTimeout(release), true);
  }
  window.addEventListener("blur", release);

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { target } = detail;
    if (pressed && isByItself(target) && isOfPart(detail)) {
      detail.shouldSwap = false;
      held.add(target);
    } else if (isLive(target) && detail.requestConfig.elt === target && target.getAttribute("hx-swap") === "outerHTML") {
      detail.swapOverride = "morph:outerHTML";
    }
  });
})();
