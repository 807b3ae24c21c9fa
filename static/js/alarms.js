// Alarms: the unread count in title and icon, and for a new alarm a sound and a desktop notification
// where somebody switched them on for this browser.
(() => {
  const remembered = "alarms.heard";
  const base = document.title;
  const icon = document.querySelector('link[rel="icon"]');
  const isRed = () => document.documentElement.dataset.theme === "red";

  const wants = (name) => localStorage.getItem(`alarms.${name}`) === "on";
  const alarms = () => [...document.querySelectorAll("#alarms [data-pk]")];
  const unread = () => Number(document.getElementById("bell")?.dataset.unread || 0);

  function drawIcon(count, alarmed) {
    if (!icon) return;
    if (!count && !alarmed) {
      icon.href = isRed() ? icon.dataset.red : icon.dataset.plain;
      return;
    }
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 32;
    const pen = canvas.getContext("2d");
    pen.fillStyle = alarmed || isRed() ? "#d11" : "#1769c7";
    pen.beginPath();
    pen.arc(16, 16, 16, 0, 7);
    pen.fill();
    pen.fillStyle = isRed() ? "#000" : "#fff";
    pen.font = "bold 20px sans-serif";
    pen.textAlign = "center";
    pen.fillText(alarmed && !count ? "!" : count > 99 ? "99" : String(count), 16, 23);
    icon.href = canvas.toDataURL();
  }

  function show() {
    const alarmed = alarms().length > 0;
    const count = unread();
    document.title = `${alarmed ? "! " : ""}${count ? `(${count}) ` : ""}${base}`;
    drawIcon(count, alarmed);
  }

  // Two rising tones. A browser plays none before somebody has touched the page.
  function sound() {
    const audio = new AudioContext();
    for (const [at, pitch] of [[0, 660], [0.25, 880], [0.6, 660], [0.85, 880]]) {
      const tone = audio.createOscillator();
      const loudness = audio.createGain();
      tone.frequency.value = pitch;
      loudness.gain.value = 0.25;
      tone.connect(loudness).connect(audio.destination);
      tone.start(audio.currentTime + at);
      tone.stop(audio.currentTime + at + 0.2);
    }
    setTimeout(() => audio.close(), 2000);
  }

  // Of several tabs the first that sees an alarm tells of it.
  function tell() {
    const heard = JSON.parse(localStorage.getItem(remembered) || "[]");
    const fresh = alarms().filter((alarm) => !heard.includes(alarm.dataset.pk));
    if (!fresh.length) return;
    localStorage.setItem(remembered, JSON.stringify([...heard, ...fresh.map((alarm) => alarm.dataset.pk)].slice(-200)));
    if (wants("sound")) sound();
    if (wants("desktop") && window.Notification?.permission === "granted") {
      for (const alarm of fresh) {
        const told = new Notification(alarm.dataset.title, { body: alarm.innerText, tag: `alarm-${alarm.dataset.pk}` });
        told.onclick = () => {
          window.focus();
          alarm.querySelector("a")?.click();
        };
      }
    }
  }

  function look() {
    show();
    tell();
  }

  function label(button) {
    const on = wants(button.dataset.alarm);
    button.setAttribute("aria-pressed", String(on));
    button.textContent = `${button.dataset.name}: ${on ? "on" : "off"}`;
  }

  async function toggle(button) {
    const name = button.dataset.alarm;
    let on = !wants(name);
    if (on && name === "desktop") on = (await window.Notification?.requestPermission()) === "granted";
    localStorage.setItem(`alarms.${name}`, on ? "on" : "off");
    label(button);
    if (on && name === "sound") sound();
    const note = document.getElementById("alarm-note");
    const refused = name === "desktop" && !on && window.Notification?.permission === "denied";
    if (note) note.textContent = refused ? "This browser refuses: allow notifications for this site in its settings." : "";
  }

  for (const button of document.querySelectorAll("[data-alarm]")) {
    label(button);
    button.addEventListener("click", () => toggle(button));
  }
  document.addEventListener("theme", show);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (["alarms", "bell"].includes(event.target.id)) look();
  });
  look();
})();
