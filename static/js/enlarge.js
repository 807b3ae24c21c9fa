// A picture larger on a click, in a dialog that Escape, its button or a click beside it closes.
(() => {
  function enlarge(link) {
    const dialog = document.createElement("dialog");
    dialog.className = "enlarged";
    dialog.setAttribute("aria-label", link.querySelector("img").alt.split(",")[0]);
    const picture = document.createElement("div");
    picture.className = "stamp";
    for (const child of link.children) picture.append(child.cloneNode(true));
    picture.querySelector("img").loading = "eager";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm btn-outline-secondary";
    button.textContent = "Close";
    button.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      link.focus();
    });
    dialog.append(picture, button);
    document.body.append(dialog);
    dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-enlarge]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    enlarge(link);
  });
})();
