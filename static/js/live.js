// What the live connection and failed requests say to the reader.
(() => {
  const notice = document.getElementById("notice");

  function say(text) {
    if (!notice) return;
    notice.className = text ? "notice notice-warning" : "";
    notice.textContent = text;
  }

  document.addEventListener("htmx:sseOpen", () => {
    document.documentElement.dataset.live = "on";
  });
  document.addEventListener("htmx:sseError", () => {
    document.documentElement.dataset.live = "off";
  });
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    const words = { 403: "You may not do that.", 404: "It is no longer there.", 409: "Somebody else was quicker: reload the page." };
    say(words[status] || `The server answered ${status}. Nothing was changed; try again.`);
  });
  document.addEventListener("htmx:sendError", () => say("The server cannot be reached. What you see may be old."));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) say("");
  });

  // A form that filters answers at once.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form && !form.hasAttribute("hx-get")) form.requestSubmit();
  });
})();
