// The clock in UTC, and the ages of times on the page ("3 min ago").
(() => {
  const clock = document.querySelector("#clock b");
  const steps = [[60, 1, "s"], [3600, 60, "min"], [172800, 3600, "h"], [Infinity, 86400, "d"]];

  function age(seconds) {
    const ahead = seconds < 0;
    const size = Math.abs(seconds);
    const [, unit, name] = steps.find(([limit]) => size < limit);
    const text = `${Math.floor(size / unit)} ${name}`;
    return ahead ? `in ${text}` : `${text} ago`;
  }

  function tick() {
    const now = new Date();
    if (clock) clock.textContent = now.toISOString().slice(11, 19);
    for (const element of document.querySelectorAll("time[data-age]")) {
      const text = age((now - new Date(element.dateTime)) / 1000);
      if (element.textContent !== text) element.textContent = text;
    }
  }

  tick();
  setInterval(tick, 1000);
})();
