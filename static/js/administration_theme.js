// The theme that a person chose on the site, as Django's administration names it. It runs before
// anything is drawn.
(() => {
  const [, theme] = document.cookie.match(/(?:^|; )theme=(\w+)/) || [];
  document.documentElement.dataset.theme = theme === "light" ? "light" : "dark";
  document.documentElement.classList.toggle("red", theme === "red");
})();
