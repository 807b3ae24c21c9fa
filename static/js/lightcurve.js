// The light curve of a target: per band, limits as limits, forced photometry as open symbols, in
// magnitudes (apparent or absolute) or fluxes, against date, MJD or days since an event, in the
// colours of the page. What a reader chooses stays, for every target, until they choose again. A page
// may swap one target's curve for another's.
(() => {
  let element = null;
  const DAY_MS = 86_400_000;
  const MJD_OF_1970 = 40_587;
  const LABEL_PX = 7; // of one letter, and rather more than less
  const LABEL_ROWS = 6;
  // Bands differ in shape too: colours are hard to tell apart in red, and for many eyes.
  const shapes = { g: "circle", r: "square", i: "diamond", z: "star", u: "hexagon", y: "pentagon" };
  const STORE = "lightcurve";
  let data = null;
  let chosen = { scale: "magnitude", axis: "date", overlay: false, hidden: [] };
  try {
    chosen = { ...chosen, ...JSON.parse(localStorage.getItem(STORE) || "{}") };
  } catch { /* what is stored is none of ours, or storing is off */ }
  let eventName = null;
  let distanceAt = 0;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const colourName = (band) => data.colours[band] || "other";
  const bandColour = (band) => colour(colourName(band));
  const ms = (time) => Date.parse(`${time}Z`);
  const modulus = (mpc) => 5 * Math.log10(mpc) + 25;
  const event = () => data.events.find((each) => each.name === eventName) || data.events[0];
  const distance = () => data.distances[distanceAt] || data.distances[0];
  const compared = () => [event(), ...data.events].find((each) => each?.distance_mpc);
  // What one chose for another target may not be there for this one.
  const axis = () => (chosen.axis === "phase" && !event() ? "date" : chosen.axis);
  const scale = () => (chosen.scale === "absolute" && !distance() ? "magnitude" : chosen.scale);
  const dimming = () => (scale() === "absolute" ? modulus(distance().mpc) : 0);

  function position(time) {
    if (axis() === "mjd") return ms(time) / DAY_MS + MJD_OF_1970;
    if (axis() === "phase") return (ms(time) - ms(event().time)) / DAY_MS;
    return time;
  }

  const described = (time) => `${time.replace("T", " ").slice(0, 19)} UTC<br>MJD ${(ms(time) / DAY_MS + MJD_OF_1970).toFixed(4)}`;

  function pick(series, keep) {
    const at = series.time.map((_, index) => index).filter(keep);
    return (name) => at.map((index) => series[name][index]);
  }

  function detections(series) {
    const isFlux = scale() === "flux";
    const value = isFlux ? "flux" : "magnitude";
    const of = pick(series, (index) => series[value][index] !== null);
    const label = series.kind === "forced" ? `${series.band} forced` : series.band;
    const tint = bandColour(series.band);
    const shape = (shapes[series.band] || "cross") + (series.kind === "forced" ? "-open" : "");
    const peaks = of("at_peak");
    const told = of("time").map((time, at) => described(time) + (peaks[at] ? "<br>measured at the peak" : ""));
    return {
      band: series.band, name: label, x: of("time").map(position), customdata: told,
      y: of(value).map((each) => each - (isFlux ? 0 : dimming())), mode: "markers", type: "scatter",
      error_y: { type: "data", array: of(isFlux ? "flux_error" : "error"), thickness: 1, width: 0, color: tint },
      marker: { color: tint, symbol: peaks.map((isPeak) => (isPeak ? `${shape}-open-dot` : shape)), size: 7, line: { width: 1.3, color: tint } },
      hovertemplate: `%{customdata}<br>${label} %{y:.3f} ± %{error_y.array:.3f}<extra></extra>`,
    };
  }

  function limits(series) {
    const of = pick(series, (index) => series.limit[index] !== null);
    return {
      band: series.band, name: `${series.band} limit`, x: of("time").map(position),
      customdata: of("time").map(described), y: of("limit").map((each) => each - dimming()),
      mode: "markers", type: "scatter", opacity: 0.6,
      marker: { color: bandColour(series.band), symbol: "triangle-down-open", size: 8 },
      hovertemplate: `%{customdata}<br>${series.band} > %{y:.2f}<extra></extra>`,
    };
  }

  // AT2017gfo as it would look at the event's distance, had it been the event.
  function kilonova() {
    const at = compared();
    if (!chosen.overlay || !at || !data.kilonova) return [];
    const { name, distance_mpc: there, series } = data.kilonova;
    const shift = modulus(at.distance_mpc) - modulus(there);
    const seen = (magnitude) => magnitude + shift - dimming();
    return series.map(({ band, days, magnitude }) => ({
      band, name: `${name} ${band}`, mode: "lines", type: "scatter", opacity: 0.75,
      x: days.map((day) => position(new Date(ms(at.time) + day * DAY_MS).toISOString().slice(0, -1))),
      y: magnitude.map((each) => (scale() === "flux" ? 10 ** ((31.4 - seen(each)) / 2.5) : seen(each))),
      line: { color: bandColour(band), width: 1.5, dash: "dash" },
      hovertemplate: `${name} in ${band} at ${at.distance_mpc.toFixed(0)} Mpc: %{y:.2f}<extra></extra>`,
    }));
  }

  function traces() {
    const drawn = data.series.map(detections);
    if (scale() !== "flux") drawn.push(...data.series.filter((s) => s.kind === "survey").map(limits));
    drawn.push(...kilonova());
    return drawn.filter((trace) => trace.x.length && !chosen.hidden.includes(trace.band));
  }

  // A band's zero moves where its template changes.
  const templateMarks = () => data.template_changes
    .filter((each) => !chosen.hidden.includes(each.band))
    .map((each) => ({ name: `${each.band}: new template`, time: each.time, tint: "quiet", dash: "dash" }));

  // Names of events side by side, and below each other where they would overprint.
  function labels(drawn) {
    const all = [...data.events, ...templateMarks()].map((each) => ({ ...each, x: position(each.time) }));
    const number = (x) => (typeof x === "number" ? x : ms(x) / DAY_MS);
    const xs = [...drawn.flatMap((trace) => trace.x), ...all.map((each) => each.x)].map(number);
    const from = xs.reduce((least, x) => Math.min(least, x), Infinity);
    const span = xs.reduce((most, x) => Math.max(most, x), -Infinity) - from;
    const pixels = (x) => ((number(x) - from) / (span || 1)) * Math.max(element.clientWidth - 80, 100);
    const ends = [];
    return all.sort((a, b) => number(a.x) - number(b.x)).map((each) => {
      const start = pixels(each.x);
      let row = ends.findIndex((end) => end < start);
      if (row < 0) row = Math.min(ends.length, LABEL_ROWS - 1);
      ends[row] = start + each.name.length * LABEL_PX + 10;
      return { ...each, row };
    });
  }

  const axisTitles = () => ({ date: "", mjd: "MJD (UTC)", phase: `Days since ${event()?.name}` });
  const scaleTitles = () => ({
    magnitude: "AB magnitude", flux: "Flux (nJy)", absolute: `Absolute magnitude (${distance()?.source})`,
  });

  function layout(drawn) {
    const line = colour("line");
    const style = { gridcolor: line, zerolinecolor: line, linecolor: line, tickcolor: line };
    const marked = labels(drawn);
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("quiet"), size: 12, family: "inherit" },
      margin: { l: 56, r: 12, t: 8, b: axis() === "date" ? 36 : 44 }, hovermode: "closest",
      hoverlabel: { bgcolor: colour("panel"), bordercolor: line, font: { color: colour("text") } },
      showlegend: false,
      uirevision: `${scale()} ${axis()}`, // what was zoomed stays so when points come
      xaxis: {
        ...style, type: axis() === "date" ? "date" : "linear", tickformat: axis() === "mjd" ? ".6~f" : "",
        title: { text: axisTitles()[axis()], standoff: 4 }, zeroline: axis() === "phase",
      },
      yaxis: {
        ...style, autorange: scale() === "flux" ? true : "reversed",
        title: { text: scaleTitles()[scale()], standoff: 6 },
      },
      shapes: marked.map((each) => ({
        type: "line", x0: each.x, x1: each.x, yref: "paper", y0: 0, y1: 1,
        line: { color: colour(each.tint || "accent"), width: 1, dash: each.dash || "dot" },
      })),
      annotations: marked.map((each) => ({
        x: each.x, yref: "paper", y: 1, yshift: -15 * each.row, text: each.name, showarrow: false,
        xanchor: "left", yanchor: "top", font: { size: 11, color: colour(each.tint || "accent") },
      })),
    };
  }

  // --- Controls -------------------------------------------------------------------------------
  function press(button, isOn) {
    button.setAttribute("aria-pressed", String(isOn));
  }

  function bandButton(band) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.band = band;
    const swatch = document.createElement("span");
    swatch.className = `band-swatch ${colourName(band)}`;
    button.append(swatch, band);
    return button;
  }

  function fill(select, names) {
    if (!select) return;
    if (select.options.length !== names.length) select.replaceChildren(...names.map((name) => new Option(name, name)));
    select.closest("label").hidden = names.length < 2;
  }

  function showControls() {
    const bands = [...new Set([...data.series, ...(chosen.overlay && compared() ? data.kilonova.series : [])].map((s) => s.band))].sort();
    const place = document.getElementById("curve-bands");
    const there = [...place.children].map((each) => each.dataset.band);
    if (String(there) !== String(bands)) place.replaceChildren(...bands.map(bandButton));
    for (const button of place.children) press(button, !chosen.hidden.includes(button.dataset.band));
    for (const button of document.querySelectorAll("[data-scale]")) {
      press(button, button.dataset.scale === scale());
      if (button.dataset.scale === "absolute") button.hidden = !distance();
    }
    for (const button of document.querySelectorAll("[data-axis]")) {
      press(button, button.dataset.axis === axis());
      if (button.dataset.axis === "phase") button.hidden = !event();
    }
    const overlay = document.getElementById("curve-overlay");
    overlay.hidden = !compared();
    document.getElementById("curve-overlay-note").hidden = overlay.hidden;
    press(overlay, chosen.overlay);
    fill(document.getElementById("curve-event"), data.events.map((each) => each.name));
    fill(document.getElementById("curve-distance"), scale() === "absolute" ? data.distances.map((each) => each.source) : []);
    const select = document.getElementById("curve-event");
    if (select && event()) select.value = event().name;
  }

  function choose(changes) {
    chosen = { ...chosen, ...changes };
    try {
      localStorage.setItem(STORE, JSON.stringify(chosen));
    } catch { /* storing is off: it stays for this page */ }
    draw();
  }

  function toggle(band) {
    const { hidden } = chosen;
    choose({ hidden: hidden.includes(band) ? hidden.filter((each) => each !== band) : [...hidden, band] });
  }

  document.addEventListener("click", (click) => {
    const button = click.target.closest("[data-scale], [data-axis], [data-band], #curve-overlay");
    if (!button || !data) return;
    const { scale: toScale, axis: toAxis, band } = button.dataset;
    if (toScale) choose({ scale: toScale });
    else if (toAxis) choose({ axis: toAxis });
    else if (band) toggle(band);
    else choose({ overlay: !chosen.overlay });
  });
  document.addEventListener("change", ({ target }) => {
    if (target.id === "curve-event") eventName = target.value;
    else if (target.id === "curve-distance") distanceAt = target.selectedIndex;
    else return;
    draw();
  });

  // --- Drawing --------------------------------------------------------------------------------
  function say(text) {
    if (element.classList.contains("js-plotly-plot")) Plotly.purge(element);
    element.textContent = text;
  }

  function draw() {
    if (!data || !element.isConnected) return;
    showControls();
    const drawn = traces();
    if (!drawn.length) {
      say(data.series.length ? "All bands are switched off." : "No point of the light curve is visible to you yet.");
      return;
    }
    if (!element.classList.contains("js-plotly-plot")) element.replaceChildren();
    Plotly.react(element, drawn, layout(drawn), {
      responsive: true, displaylogo: false, scrollZoom: true,
      modeBarButtonsToRemove: ["select2d", "lasso2d"],
    });
  }

  // The library is large: a page whose plot nobody scrolls to never fetches it.
  function fetchPlotly() {
    if (window.Plotly) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = element.dataset.plotly;
      script.onload = resolve;
      script.onerror = () => reject(new Error("no plotting library"));
      document.head.append(script);
    });
  }

  async function load() {
    const place = element;
    try {
      const library = fetchPlotly();
      const answer = await fetch(place.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const first = await answer.json();
      await library;
      if (place !== element) return;
      data = first;
      draw();
    } catch (error) {
      place.textContent = `The light curve did not load (${error.message}). Reload the page to try again.`;
    }
  }

  document.addEventListener("theme", draw);
  // New points come as the answer to the hidden element's own request.
  document.addEventListener("htmx:afterRequest", (answer) => {
    if (answer.target.id !== "lightcurve-news" || !answer.detail.successful || !data) return;
    const news = JSON.parse(answer.detail.xhr.responseText);
    if (JSON.stringify(news) === JSON.stringify(data)) return;
    data = news;
    draw();
  });
  function mount() {
    const found = document.getElementById("lightcurve");
    if (!found || found === element) return;
    if (element?.classList.contains("js-plotly-plot")) Plotly.purge(element);
    element = found;
    data = null;
    eventName = element.dataset.event || new URLSearchParams(location.search).get("event");
    distanceAt = 0;
    new IntersectionObserver((seen, observer) => {
      if (!seen.some((each) => each.isIntersecting)) return;
      observer.disconnect();
      if (found === element) load();
    }).observe(element);
  }

  mount();
  document.addEventListener("htmx:afterSettle", mount);
})();
