// How much of an event's map was covered when: in 2D, and within reach of a source, against the days
// since the event (or the date, where the event has no time), in the colours of the page.
(() => {
  const element = document.getElementById("coverage-curve");
  if (!element) return;
  const DAY_MS = 86_400_000;
  let data = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function position(time) {
    if (!data.event_time) return time;
    return (Date.parse(time) - Date.parse(data.event_time)) / DAY_MS;
  }

  function curve(name, values, tint, dash) {
    return {
      name, x: data.time.map(position), y: values.map((each) => (each === null ? null : 100 * each)),
      customdata: data.time.map((time, at) => `${time.replace("T", " ").slice(0, 19)} UTC<br>${data.telescope[at]}`),
      mode: "lines", type: "scatter", line: { shape: "hv", color: colour(tint), width: 2, dash },
      hovertemplate: `%{customdata}<br>${name}: %{y:.1f}%<extra></extra>`,
    };
  }

  function layout() {
    const line = colour("line");
    const style = { gridcolor: line, zerolinecolor: line, linecolor: line, tickcolor: line };
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("quiet"), size: 12, family: "inherit" },
      margin: { l: 64, r: 12, t: 8, b: 44 }, hovermode: "closest",
      hoverlabel: { bgcolor: colour("panel"), bordercolor: line, font: { color: colour("text") } },
      legend: { orientation: "h", x: 0, y: 1.15 },
      xaxis: { ...style, title: { text: data.event_time ? `Days since ${data.event}` : "", standoff: 4 } },
      yaxis: { ...style, rangemode: "tozero", ticksuffix: "%", title: { text: "Covered", standoff: 6 } },
    };
  }

  function draw() {
    if (!data) return;
    const traces = [curve("2D", data.probability, "accent", "solid")];
    if (data.within_reach.some((each) => each !== null)) {
      traces.push(curve(`3D, M = ${data.magnitude}`, data.within_reach, "r", "dash"));
    }
    if (!element.classList.contains("js-plotly-plot")) element.replaceChildren();
    Plotly.react(element, traces, layout(), {
      responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"],
    });
  }

  // The library is large: a page whose plot nobody scrolls to never fetches it.
  function fetchPlotly() {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = element.dataset.plotly;
      script.onload = resolve;
      script.onerror = () => reject(new Error("no plotting library"));
      document.head.append(script);
    });
  }

  async function load() {
    try {
      const library = fetchPlotly();
      const answer = await fetch(element.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const first = await answer.json();
      await library;
      data = first;
      draw();
    } catch (error) {
      element.textContent = `The curve did not load (${error.message}). Reload the page to try again.`;
    }
  }

  document.addEventListener("theme", draw);
  new IntersectionObserver((seen, observer) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    observer.disconnect();
    load();
  }).observe(element);
})();
