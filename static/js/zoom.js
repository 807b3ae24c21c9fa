// The zoomable map of an event: Aladin Lite, with what the page's own address of data says, in the
// colours of the page. The library asks no host but those of the team's images.
const element = document.getElementById("zoom");
const told = document.getElementById("zoom-told");
const controls = document.getElementById("zoom-controls");
const NARROWEST_DEG = 0.01;
const WIDEST_DEG = 180;
const CLOSE_DEG = 1;
const PATIENCE_MS = 20_000;
const TELESCOPES = ["r", "g", "i", "other", "accent", "text"];

let A = null;
let aladin = null;
let data = null;
const layers = {};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const say = (...parts) => told.replaceChildren(...parts);

// One colour with a share of another, both as #rrggbb.
function mixed(first, second, share) {
  const parts = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const other = parts(second);
  const sum = parts(first).map((value, at) => Math.round(share * value + (1 - share) * other[at]));
  return `#${sum.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

function rankColour(step) {
  const [best, rest] = [colour("host"), colour("against")];
  return [best, mixed(best, rest, 0.65), rest, colour("quiet")][step - 1];
}

// --- Layers ---------------------------------------------------------------------------------------
// Nine regions lie one on the other: each adds a little. Lines mark 50% and 90%.
function drawRegions() {
  return Object.entries(data.regions).map(([level, moc]) => {
    const percent = Math.round(100 * Number(level));
    const marked = percent === 50 || percent === 90;
    const drawn = A.MOCFromJSON(moc, {
      name: `${percent}%`, color: colour("contour"), fillColor: colour("contour"), fill: true, opacity: 0.1,
      perimeter: marked, lineWidth: marked ? 1.5 : 0,
    });
    aladin.addMOC(drawn);
    return drawn;
  });
}

function drawCatalogue(name, rows, options) {
  const drawn = A.catalog({ name, ...options });
  drawn.addSources(rows.map((row) => A.source(row.ra, row.dec, row)));
  aladin.addCatalog(drawn);
  return drawn;
}

function drawCandidates() {
  return [4, 3, 2, 1].map((step) => drawCatalogue(`candidates ${step}`, data.candidates.filter((each) => each.step === step), {
    shape: "circle", color: rankColour(step), sourceSize: step === 1 ? 14 : 10,
  }));
}

function drawFields() {
  return data.fields.map((group) => {
    const drawn = A.graphicOverlay({
      name: group.title, color: colour(TELESCOPES[group.colour]), lineWidth: 1 + group.step / 2,
    });
    aladin.addOverlay(drawn);
    group.rings.forEach((ring) => drawn.add(A.polygon(ring)));
    return drawn;
  });
}

function draw() {
  if (!data) return;
  aladin.removeOverlays();
  aladin.setBackgroundColor(colour("sky"));
  aladin.setCooGrid({ enabled: true, color: colour("quiet"), opacity: 0.5, labelSize: 12, thickness: 1 });
  layers.regions = drawRegions();
  layers.fields = drawFields();
  layers.galaxies = [drawCatalogue("galaxies", data.galaxies, { shape: "square", color: colour("other"), sourceSize: 10 })];
  layers.candidates = drawCandidates();
  controls.querySelectorAll("[data-layer]").forEach(show);
}

function show(box) {
  const { layer } = box.dataset;
  if (layer === "images") aladin.getBaseImageLayer()?.setOpacity(box.checked ? 1 : 0);
  else layers[layer]?.forEach((each) => (box.checked ? each.show() : each.hide()));
}

// --- Moving ---------------------------------------------------------------------------------------
const width = () => aladin.getFov()[0];

function zoom(factor) {
  aladin.setFoV(Math.min(Math.max(width() * factor, NARROWEST_DEG), WIDEST_DEG));
}

function move(east, north) {
  const [ra, dec] = aladin.getRaDec();
  const step = width() / 8;
  const across = Math.max(Math.cos((dec * Math.PI) / 180), 0.05);
  aladin.gotoRaDec((ra + (east * step) / across + 360) % 360, Math.min(Math.max(dec + north * step, -89.9), 89.9));
}

function whole() {
  aladin.gotoRaDec(...data.centre);
  aladin.setFoV(data.width);
}

const KEYS = {
  ArrowLeft: () => move(1, 0), ArrowRight: () => move(-1, 0), ArrowUp: () => move(0, 1), ArrowDown: () => move(0, -1),
  "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: whole,
};
const BUTTONS = { in: () => zoom(0.5), out: () => zoom(2), whole };

function listen() {
  element.addEventListener("keydown", (key) => {
    const act = KEYS[key.key];
    if (!act || key.ctrlKey || key.metaKey || key.altKey) return;
    key.preventDefault();
    key.stopPropagation();
    act();
  });
  controls.addEventListener("click", ({ target }) => BUTTONS[target.dataset.zoom]?.());
  controls.addEventListener("change", ({ target }) => show(target));
  document.addEventListener("theme", draw);
  document.addEventListener("click", ({ target }) => {
    const { ra, dec } = target.dataset ?? {};
    if (!ra) return;
    aladin.gotoRaDec(Number(ra), Number(dec));
    aladin.setFoV(Math.min(width(), CLOSE_DEG));
    element.focus();
  });
  aladin.on("objectClicked", (found) => {
    if (!found?.data) return;
    const { title, url } = found.data;
    say(url ? Object.assign(document.createElement("a"), { href: url, textContent: title }) : title);
  });
}

// --- Starting -------------------------------------------------------------------------------------
async function readData() {
  const answer = await fetch(element.dataset.url, {
    headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!answer.ok) throw new Error(`the site answered ${answer.status}`);
  return answer.json();
}

// Without an image the library would ask its makers' hosts for one, again and again: so the images
// are asked for once here, and shown only where they answer.
async function showImages() {
  const { images } = element.dataset;
  if (!images) return "";
  try {
    const answer = await fetch(`${images}/properties`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(String(answer.status));
    aladin.setBaseImageLayer(A.HiPS(images));
    return "";
  } catch {
    return " The images of the sky cannot be fetched: a grid is shown.";
  }
}

async function start() {
  if (!document.createElement("canvas").getContext("webgl2")) {
    element.hidden = true;
    say("This browser draws no WebGL 2, which the map needs. The event's page shows the same without it.");
    return;
  }
  try {
    const reading = readData();
    A = (await import(element.dataset.library)).default;
    await A.init;
    data = await reading;
    aladin = A.aladin(element, {
      survey: [], hipsList: [], log: false, cooFrame: "ICRS", projection: "SIN",
      mode: document.documentElement.dataset.theme === "light" ? "light" : "dark",
      target: `${data.centre[0]} ${data.centre[1]}`, fov: data.width, backgroundColor: colour("sky"),
      reticleColor: colour("quiet"), showFrame: false, showCooLocation: false, showZoomControl: false,
      showFullscreenControl: false, showLayersControl: false, showProjectionControl: false, showStatusBar: false,
    });
    listen();
    draw();
    controls.hidden = false;
    const lacks = Object.keys(data.regions).length ? "" : " Its regions are being prepared: load the page again in a minute.";
    say(`Choose a mark to read what it is.${lacks}${await showImages()}`);
  } catch (error) {
    say(`The map did not start (${error?.message ?? error}). The event's page shows the same without it.`);
  }
}

start();
