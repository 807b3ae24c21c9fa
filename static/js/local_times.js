// Beside each time in UTC, the same time in the reader's own zone.
"use strict";

const ownZone = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "short",
});

function addLocalTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(time.dateTime);
    time.removeAttribute("data-local");
    if (Number.isNaN(moment.getTime()) || moment.getTimezoneOffset() === 0) continue;
    const local = document.createElement("span");
    local.className = "quiet";
    local.textContent = ` (${ownZone.format(moment)})`;
    time.append(local);
  }
}

addLocalTimes(document);
document.addEventListener("htmx:afterSwap", () => addLocalTimes(document));
