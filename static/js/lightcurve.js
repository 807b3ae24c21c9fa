// The light curve of a target: per band, limits as limits, forced photometry as crosses,
// magnitudes or fluxes, in the colours of the page.
(() => {
  const element = document.getElementById("lightcurve");
  if (!element) return;
  // Bands differ in shape too: colours are hard to tell apart in red, and for many eyes.
  const shapes = { g: "circle", r: "square", i: "diamond" };
  let data = null;
  let scale = "magnitude";

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const bandColour = (band) => colour(["g", "r", "i"].includes(band) ? band : "other");

  function pick(series, keep) {
    const at = series.time.map((_, index) => index).filter(keep);
    return (name) => at.map((index) => series[name][index]);
  }

  function detections(series) {
    const value = scale === "flux" ? "flux" : "magnitude";
    const error = scale === "flux" ? "flux_error" : "error";
    const of = pick(series, (index) => series[value][index] !== null);
    const label = series.kind === "forced" ? `${series.band} forced` : series.band;
    return {
      name: label, x: of("time"), y: of(value), mode: "markers", type: "scatter",
      error_y: { type: "data", array: of(error), thickness: 1, width: 0, color: bandColour(series.band) },
      marker: { color: bandColour(series.band), symbol: (shapes[series.band] || "cross") + (series.kind === "forced" ? "-open" : ""), size: 7, line: { width: 1.3 } },
      hovertemplate: `%{x|%Y-%m-%d %H:%M} UTC<br>${label} %{y:.3f} ± %{error_y.array:.3f}<extra></extra>`,
    };
  }

  function limits(series) {
    const of = pick(series, (index) => series.limit[index] !== null);
    return {
      name: `${series.band} limit`, x: of("time"), y: of("limit"), mode: "markers", type: "scatter",
      marker: { color: bandColour(series.band), symbol: "triangle-down-open", size: 8 }, opacity: 0.6,
      hovertemplate: `%{x|%Y-%m-%d %H:%M} UTC<br>${series.band} > %{y:.2f}<extra></extra>`,
    };
  }

  function traces() {
    const drawn = data.series.map(detections);
    if (scale === "magnitude") drawn.push(...data.series.filter((s) => s.kind === "survey").map(limits));
    return drawn.filter((trace) => trace.x.length);
  }

  function layout() {
    const line = colour("line");
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
    const markers = data.events.map((event) => ({
      type: "line", x0: event.time, x1: event.time, yref: "paper", y0: 0, y1: 1,
      line: { color: colour("accent"), width: 1, dash: "dot" },
    }));
    const names = data.events.map((event) => ({
      x: event.time, yref: "paper", y: 1, text: event.name, showarrow: false, xanchor: "left",
      yanchor: "top", font: { size: 11, color: colour("accent") },
    }));
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("quiet"), size: 12, family: "inherit" },
      margin: { l: 56, r: 12, t: 8, b: 36 }, hovermode: "closest",
      hoverlabel: { bgcolor: colour("panel"), bordercolor: line, font: { color: colour("text") } },
      legend: { orientation: "h", y: -0.16, font: { size: 11 } },
      xaxis: { ...axis, type: "date", title: { text: "" } },
      yaxis: {
        ...axis, autorange: scale === "magnitude" ? "reversed" : true,
        title: { text: scale === "magnitude" ? "AB magnitude" : "Flux (nJy)", standoff: 6 },
      },
      shapes: markers, annotations: names,
    };
  }

  function draw() {
    if (!data) return;
    const drawn = traces();
    if (!drawn.length) {
      Plotly.purge(element);
      element.textContent = "No point of the light curve is visible to you yet.";
      return;
    }
    if (!element.classList.contains("js-plotly-plot")) element.replaceChildren();
    Plotly.react(element, drawn, layout(), {
      responsive: true, displaylogo: false, scrollZoom: true,
      modeBarButtonsToRemove: ["select2d", "lasso2d"],
    });
  }

  async function load() {
    try {
      const answer = await fetch(element.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      data = await answer.json();
      draw();
    } catch (error) {
      element.textContent = `The light curve did not load (${error.message}). Reload the page to try again.`;
    }
  }

  for (const button of document.querySelectorAll("[data-scale]")) {
    button.addEventListener("click", () => {
      scale = button.dataset.scale;
      for (const other of document.querySelectorAll("[data-scale]")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
      draw();
    });
  }
  document.addEventListener("theme", draw);
  // New points come as the answer to the hidden element's own request.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.id !== "lightcurve-news" || !event.detail.successful) return;
    const news = JSON.parse(event.detail.xhr.responseText);
    if (JSON.stringify(news) === JSON.stringify(data)) return;
    data = news;
    draw();
  });
  load();
})();
