// Verdicts: the question why a candidate is rejected, and what becomes of a verdict that no answer
// came to, or that was given after the session ended: each is kept in this tab until it is answered,
// and given again after logging in.
(() => {
  const STORE = "verdicts.waiting";
  const user = document.body.dataset.user;
  const isVerdict = (path) => /\/(candidates|targets)\/\d+\/vet\/$/.test(path || "");
  const isLogin = (url) => Boolean(url) && new URL(url, location.href).pathname.startsWith("/accounts/login");
  const waiting = () => JSON.parse(sessionStorage.getItem(STORE) || "[]");
  const keep = (all) => sessionStorage.setItem(STORE, JSON.stringify(all));
  const forget = (key) => keep(waiting().filter((each) => each.values.key !== key));
  const sent = new Set(); // keys of verdicts that this page waits for an answer to
  const count = (n) => `${n} verdict${n === 1 ? "" : "s"}`;

  function newKey() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function say(text) {
    const place = document.getElementById("waiting");
    if (!place) return;
    place.className = text ? "notice notice-warning" : "";
    place.textContent = text;
  }

  function tell() {
    const all = waiting();
    if (!all.length) return say("");
    const are = `${count(all.length)} ${all.length === 1 ? "is" : "are"} waiting`;
    if (!user) return say(`${are}: log in as ${all[0].user}, and ${all.length === 1 ? "it is" : "they are"} given.`);
    if (all.some((each) => each.user !== user)) return say(`${are} for ${all[0].user}, who gave it, to log in.`);
    return say(`${are} for the server.`);
  }

  // Before it is sent: whatever takes this page away meanwhile takes no verdict with it.
  function store({ parameters, path }) {
    const values = Object.fromEntries(Object.entries(parameters).filter(([name]) => name !== "csrfmiddlewaretoken"));
    if (!waiting().some((each) => each.values.key === values.key)) keep([...waiting(), { path, values, user }]);
    sent.add(values.key);
  }

  function leaveWaiting(config) {
    sent.delete(config.parameters.key);
    tell();
  }

  function logIn() {
    location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
  }

  // The first that waits goes; when it was taken the next goes. Its key makes it one verdict, also
  // where only the answer was lost.
  let isSending = false;
  async function send() {
    const first = waiting().find((each) => !sent.has(each.values.key));
    if (isSending || !first || first.user !== user || !isVerdict(first.path) || !window.htmx) return;
    isSending = true;
    const body = new URLSearchParams(first.values);
    const headers = { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"], "HX-Request": "true" };
    try {
      const answer = await fetch(first.path, { method: "POST", body, headers, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.headers.has("HX-Redirect") || answer.status >= 500) return;
      forget(first.values.key);
      tell();
      note(answer.ok ? "The verdict that was waiting is given." : `The verdict that was waiting was refused (${answer.status}).`);
      refresh();
    } catch {
      return; // no server yet: it goes on waiting
    } finally {
      isSending = false;
    }
    send();
  }

  function note(text) {
    const place = document.getElementById("told");
    if (!place) return;
    const told = document.createElement("div");
    told.className = "notice notice-success";
    told.textContent = text;
    place.replaceChildren(told);
  }

  function refresh() {
    for (const part of document.querySelectorAll("#candidate-list, #verdict, #scan")) htmx.trigger(part, "verdict");
  }

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!isVerdict(detail.path)) return;
    document.getElementById("told")?.replaceChildren(); // that of an earlier verdict
    detail.parameters.key ||= newKey();
    store(detail);
  });

  // What the server sends to the login was not done; what it answers otherwise needs no keeping,
  // but where it failed, or where the form's own cookie is gone (see below).
  document.addEventListener("htmx:beforeOnLoad", ({ detail: { xhr, requestConfig } }) => {
    if (!isVerdict(requestConfig.path)) return;
    if (isLogin(xhr.getResponseHeader("HX-Redirect")) || isLogin(xhr.responseURL)) leaveWaiting(requestConfig);
    else if (xhr.status < 500 && xhr.status !== 403) forget(requestConfig.parameters.key);
  });

  // Without its cookie a form is refused before anybody asks who is logged in.
  document.addEventListener("htmx:responseError", async ({ detail: { xhr, requestConfig } }) => {
    if (!isVerdict(requestConfig.path)) return;
    if (xhr.status >= 500) leaveWaiting(requestConfig);
    if (xhr.status !== 403) return;
    const look = await fetch(location.href, { headers: { "HX-Request": "true" }, redirect: "manual" });
    if (!look.headers.has("HX-Redirect")) return forget(requestConfig.parameters.key);
    leaveWaiting(requestConfig);
    logIn();
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, ({ detail: { requestConfig } }) => {
      if (isVerdict(requestConfig?.path)) leaveWaiting(requestConfig);
    });
  }
  document.addEventListener("htmx:sseOpen", send);
  // A network that was away for a moment breaks no open connection: nothing opens again.
  window.addEventListener("online", send);
  setInterval(() => navigator.onLine && send(), 5000);

  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.detail.elt.id === "undo-verdict") refresh();
  });

  // --- Why a candidate is rejected ---
  const dialog = document.getElementById("reject");
  let asked = null;

  function ask(button) {
    asked = { id: button.form.id, form: button.form };
    dialog.querySelector("form").reset();
    dialog.querySelector("[data-name]").textContent = button.form.dataset.name;
    dialog.showModal();
  }

  function reject() {
    const answers = new FormData(dialog.querySelector("form"));
    const form = document.getElementById(asked.id) || asked.form;
    const values = { ...Object.fromEntries(new FormData(form)), vetting: "rejected", reason: answers.get("reason") || "", note: answers.get("note") };
    delete values.csrfmiddlewaretoken;
    dialog.close();
    const target = form.isConnected && form.getAttribute("hx-target");
    const at = target ? { target, swap: "outerHTML" } : { target: "#told", swap: "none" };
    htmx.ajax("POST", form.getAttribute("action"), { source: document.body, values, ...at });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest('.vet button[value="rejected"]');
    if (!button || !dialog || !window.htmx) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(button);
  }, true);
  if (dialog) {
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      reject();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.target.matches("#reject-note") || event.ctrlKey || event.metaKey || event.altKey) return;
      const radio = dialog.querySelector(`[data-reason="${CSS.escape(event.key)}"]`);
      if (!radio) return;
      event.preventDefault();
      radio.checked = true;
      reject();
    });
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  }

  // Of candidates looked at one after the other only the list stays in the history.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('#verdict a[rel="next"], #verdict a[rel="prev"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    location.replace(link.href);
  });

  tell();
  send();
})();
