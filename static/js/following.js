// The connection that tells of changes, and what it and failed requests say to the reader.
(() => {
  // A browser opens six connections to a site, whatever the number of its tabs: one that nobody
  // looks at gives its own up, or the seventh would never load. It is what htmx takes for an
  // EventSource.
  class SeenSource {
    constructor(url) {
      this.url = url;
      this.source = null;
      this.listeners = [];
      this.look = () => (document.hidden ? this.rest() : this.open());
      document.addEventListener("visibilitychange", this.look);
      this.look();
    }

    get readyState() {
      return this.source ? this.source.readyState : EventSource.CONNECTING;
    }

    open() {
      if (this.source) return;
      const source = new EventSource(this.url);
      source.onopen = (event) => this.onopen(event);
      source.onerror = (event) => {
        this.onerror(event);
        if (source.readyState === EventSource.CLOSED) this.close(); // htmx makes another
      };
      for (const [name, listener] of this.listeners) source.addEventListener(name, listener);
      this.source = source;
    }

    rest() {
      this.source?.close();
      this.source = null;
      document.documentElement.dataset.changes = "off";
    }

    close() {
      document.removeEventListener("visibilitychange", this.look);
      this.rest();
    }

    addEventListener(name, listener) {
      this.listeners.push([name, listener]);
      this.source?.addEventListener(name, listener);
    }

    removeEventListener(name, listener) {
      this.listeners = this.listeners.filter((each) => each[0] !== name || each[1] !== listener);
      this.source?.removeEventListener(name, listener);
    }
  }
  if (window.htmx) htmx.createEventSource = (url) => new SeenSource(url);

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

  // What was missed is not known: every part that lives by the connection is fetched again.
  function refresh() {
    for (const part of document.querySelectorAll('[hx-trigger*="sse:"]')) {
      htmx.trigger(part, part.getAttribute("hx-trigger").match(/sse:[^\s,]+/)[0]);
    }
  }

  document.addEventListener("htmx:sseOpen", () => {
    const { dataset } = document.documentElement;
    if (dataset.changes === "off") refresh();
    dataset.changes = "on";
    clearTimeout(warning);
    warning = 0;
    write("interrupted", "");
  });
  document.addEventListener("htmx:sseError", () => {
    document.documentElement.dataset.changes = "off";
    warning ||= setTimeout(() => {
      write("interrupted", "Updates are interrupted. This page tries to connect again.");
    }, patience);
  });
  // What the page asks by itself takes nobody to the login in the middle of their work: it says that
  // the session ended. What a person asks does lead there.
  const isByItself = ({ verb, triggeringEvent }) => verb === "get" && (!triggeringEvent || triggeringEvent instanceof CustomEvent);

  function sayEnded(login) {
    const place = document.getElementById("ended");
    const link = document.createElement("a");
    link.href = login;
    link.textContent = "Log in again";
    place.className = "notice notice-warning";
    place.replaceChildren("Your session ended. What you see may be old. ", link);
  }

  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr, requestConfig } = event.detail;
    const to = xhr.getResponseHeader("HX-Redirect");
    if (!to?.startsWith("/accounts/login/")) {
      if (xhr.status < 400) write("ended", "");
    } else if (isByItself(requestConfig)) {
      event.preventDefault();
      sayEnded(to);
    }
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
