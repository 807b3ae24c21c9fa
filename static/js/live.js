// What the live connection and failed requests say to the reader.
(() => {
  // A connection that comes back within this time was not missed.
  const patience = 5000;
  let warning = 0;

  function write(id, text) {
    const place = document.getElementById(id);
    if (!place) return;
    place.className = text ? "notice notice-warning" : "";
    place.textContent = text;
  }
  const say = (text) => write("notice", text);

  // What was missed is not known: every part that lives by the connection is fetched anew.
  function refresh() {
    for (const part of document.querySelectorAll('[hx-trigger*="sse:"]')) {
      htmx.trigger(part, part.getAttribute("hx-trigger").match(/sse:[^\s,]+/)[0]);
    }
  }

  document.addEventListener("htmx:sseOpen", () => {
    const { dataset } = document.documentElement;
    if (dataset.live === "off") refresh();
    dataset.live = "on";
    clearTimeout(warning);
    warning = 0;
    write("interrupted", "");
  });
  document.addEventListener("htmx:sseError", () => {
    document.documentElement.dataset.live = "off";
    warning ||= setTimeout(() => {
      write("interrupted", "Live updates are interrupted; trying again.");
    }, patience);
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
