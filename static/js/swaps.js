// The swap of a part of a page changes what changed, and nothing that the reader did: what is open stays
// open, the focus and the scroll position stay, and what was typed or chosen is kept.
(() => {
  if (!window.htmx || !window.Idiomorph) return;
  const { defaults } = Idiomorph;

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

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const part = detail.requestConfig.elt;
    const isLive = /sse:|every /.test(part.getAttribute("hx-trigger") || "");
    if (isLive && part === detail.target && part.getAttribute("hx-swap") === "outerHTML") {
      detail.swapOverride = "morph:outerHTML";
    }
  });
})();
