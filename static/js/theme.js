// The colours: dark, red (keeps eyes used to the dark), light; kept in a cookie, so that the
// server already sends the next page in them.
(() => {
  const order = ["dark", "red", "light"];
  const root = document.documentElement;
  const button = document.getElementById("theme");
  if (!button) return;
  button.addEventListener("click", () => {
    const next = order[(order.indexOf(root.dataset.theme) + 1) % order.length];
    root.dataset.theme = next;
    root.dataset.bsTheme = next === "light" ? "light" : "dark";
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    document.dispatchEvent(new CustomEvent("theme", { detail: next }));
  });
})();
