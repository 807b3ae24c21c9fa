// A button with data-copy puts that text onto the clipboard, or the text of the element that its
// data-copy-from names, and says so.
(() => {
  // Without a secure connection there is no clipboard API: a selection is copied instead.
  function copySelected(text) {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "off-screen";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copySelected(text);
    }
  }

  const textOf = ({ copy: given, copyFrom }) => {
    const from = copyFrom && document.getElementById(copyFrom);
    return from ? (from.value ?? from.textContent) : given;
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    const told = button.querySelector("[data-told]") || button;
    const before = (button.dataset.label ||= told.textContent);
    const done = await copy(textOf(button.dataset));
    told.textContent = done ? "Copied" : "Not copied: select the text";
    button.focus();
    setTimeout(() => { told.textContent = before; }, 1500);
  });
})();
