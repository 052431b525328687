// The curves of the panel: a point for each sweep, lines of fits, and the phase plane of the sweep that is looked at.

const canvas = root.querySelector("canvas");
const NEAR = 14; // px: so near to a point the pointer chooses its sweep

let wanted = null; // the name of the curve that was last chosen
let fetched = {}; // curves that were asked for, by name and sweep, of the measurements `fetchedFor`
let fetchedFor = null;
let placed = []; // where points are, [{x, y, sweep}], px

// The sweeps' colors, and the look of axes, as in the scope.
function scopeStyle() {
  return getComputedStyle(document.querySelector(".scope") ?? root);
}

function scopeColors(count) {
  return sweepColors(scopeStyle().getPropertyValue("--scope-sweeps") || "#888888, #888888", count);
}

function chosen() {
  return data?.plots.find(({ name }) => name === wanted) ?? data?.plots[0];
}

function offerPlots() {
  const buttons = data.plots.map(({ name, label, tip }) => {
    const pick = () => {
      wanted = name;
      offerPlots();
      root.querySelector(`[data-plot="${name}"]`).focus();
    };
    const pressed = name === chosen().name;
    return make(
      "button",
      { type: "button", title: tip, "data-plot": name, "aria-pressed": String(pressed), onclick: pick },
      label,
    );
  });
  root.querySelector(".plots").replaceChildren(...buttons);
  root.querySelector("figure").hidden = !buttons.length;
  drawCurve();
}

// The curve to draw with its series or its loop; undefined while it is being fetched.
function ready() {
  const plot = chosen();
  if (!plot?.later) return plot;
  if (fetchedFor !== data) [fetched, fetchedFor] = [{}, data];
  const sweep = plot.sweep === undefined ? 0 : (selected ?? plot.sweep);
  const key = `${plot.name} ${sweep}`;
  if (!(key in fetched)) {
    fetched[key] = null;
    fetchCurve(plot.name, sweep, key, data);
  }
  return fetched[key] && { ...plot, ...fetched[key] };
}

async function fetchCurve(name, sweep, key, forData) {
  const answer = await ask("curve", skip, name, sweep);
  if (forData !== data || !answer) return;
  fetched[key] = answer.loop ? { ...answer, loop: answer.loop.map(decode) } : answer;
  drawCurve();
}

function drawCurve() {
  if (!data || !visible() || !canvas.clientWidth) return;
  const plot = ready();
  root.dataset.plot = chosen()?.name ?? "";
  if (!plot) return;
  const context = fitted();
  const { axis, panel } = layOut(plot);
  const style = scopeStyle();
  const color = (name) => style.getPropertyValue(`--scope-${name}`).trim();
  const look = { font: `11px ${style.getPropertyValue("--font-mono")}`, grid: color("grid"), axis: color("axis") };
  drawAxes(context, panel, axis, look, true);
  context.save();
  context.beginPath();
  context.rect(panel.left, panel.top, panel.width, panel.height);
  context.clip();
  zeroLines(context, axis, panel, color("cursor"));
  placed = [];
  const colors = scopeColors(data.rows.length);
  if (plot.loop) drawLoop(context, axis, panel, plot, colors[plot.sweep]);
  else for (const series of plot.series) drawSeries(context, axis, panel, series, colors, color);
  context.restore();
  caption(plot);
}

// The canvas at the screen's resolution, empty.
function fitted() {
  const pixel = 1 / (window.devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width / pixel);
  canvas.height = Math.round(height / pixel);
  const context = canvas.getContext("2d");
  context.scale(1 / pixel, 1 / pixel);
  return context;
}

function layOut(plot) {
  const x = plot.loop ? rangeOf([plot.loop[0]]) : spread(plot.series.flatMap((series) => series.x));
  const y = plot.loop ? rangeOf([plot.loop[1]]) : spread(plot.series.flatMap((series) => series.y));
  const low = plot.low ?? y.low;
  const high = plot.high ?? y.high;
  const { clientWidth: width, clientHeight: height } = canvas;
  const panel = {
    left: 64,
    top: 8,
    width: Math.max(10, width - 76),
    height: Math.max(10, height - 50),
    low,
    high,
    label: plot.y,
  };
  return { axis: { from: x.low, to: x.high, label: plot.x }, panel };
}

function spread(values) {
  return rangeOf([{ low: Math.min(...values), high: Math.max(...values) }]);
}

function zeroLines(context, axis, panel, color) {
  context.strokeStyle = color;
  context.globalAlpha = 0.5;
  context.beginPath();
  const y = Math.round(yOf(panel, 0)) + 0.5;
  const x = Math.round(xOf(panel, axis, 0)) + 0.5;
  context.moveTo(panel.left, y);
  context.lineTo(panel.left + panel.width, y);
  context.moveTo(x, panel.top);
  context.lineTo(x, panel.top + panel.height);
  context.stroke();
  context.globalAlpha = 1;
}

function drawLoop(context, axis, panel, { loop: [voltage, slope] }, color) {
  context.strokeStyle = color;
  context.lineWidth = 1.3;
  context.lineJoin = "round";
  context.beginPath();
  for (let k = 0; k < voltage.codes.length; k++) {
    context.lineTo(xOf(panel, axis, valueAt(voltage, k)), yOf(panel, valueAt(slope, k)));
  }
  context.stroke();
}

// Points in the colors of their sweeps, joined or not; a faint series is drawn hollow. Of a fit, a line without points.
function drawSeries(context, axis, panel, series, colors, color) {
  const at = series.x.map((x, k) => ({
    x: xOf(panel, axis, x),
    y: yOf(panel, series.y[k]),
    sweep: series.sweeps?.[k],
  }));
  context.lineWidth = series.line && !series.faint ? 1.6 : 1;
  context.strokeStyle =
    series.line && !series.faint ? getComputedStyle(root).getPropertyValue("--rig-accent") : color("axis");
  if (series.line || series.joined) {
    context.beginPath();
    for (const { x, y } of at) context.lineTo(x, y);
    context.stroke();
  }
  if (series.line) return;
  for (const { x, y, sweep } of at) {
    const large = sweep === selected;
    context.globalAlpha = selected === null || large ? 1 : 0.45;
    context.beginPath();
    context.arc(x, y, (large ? 5.5 : 3.5) - (series.faint ? 0.5 : 0), 0, 7);
    context.fillStyle = series.faint ? color("back") : colors[sweep];
    context.strokeStyle = large ? color("text") : colors[sweep];
    context.lineWidth = large ? 1.8 : 1.2;
    context.fill();
    context.stroke();
  }
  context.globalAlpha = 1;
  placed.push(...at);
}

// What the curve shows, in words.
function caption(plot) {
  const points = plot.loop ? plot.loop[0].codes.length : plot.series.reduce((sum, { x }) => sum + x.length, 0);
  root.dataset.points = points;
  const words = plot.loop ? [`sweep ${plot.sweep + 1}`] : legend(plot.series);
  root.querySelector("figcaption").replaceChildren(...words);
  canvas.setAttribute("aria-label", `${plot.tip}: ${plot.y} over ${plot.x}, ${points} points`);
}

function legend(series) {
  return series
    .filter(({ label }) => label)
    .map(({ label, line, faint }) =>
      make("span", { class: `${line ? "line" : "point"} ${faint ? "faint" : ""}` }, label),
    );
}

// ---------------------------------------------------------------- pointer

function pointAt({ offsetX, offsetY }) {
  const near = placed.map(({ x, y }) => Math.hypot(x - offsetX, y - offsetY));
  const k = near.indexOf(Math.min(...near));
  return near[k] <= NEAR ? placed[k] : null;
}

canvas.addEventListener("click", (event) => {
  const point = pointAt(event);
  if (point) emit("choose", point.sweep === selected ? null : point.sweep);
});

canvas.addEventListener("pointermove", (event) => {
  const point = pointAt(event);
  canvas.style.cursor = point ? "pointer" : "";
  canvas.title = point ? `sweep ${point.sweep + 1}` : "";
});

new ResizeObserver(drawCurve).observe(canvas);
new MutationObserver(() => data && (showTable(), mark(), drawCurve())).observe(document.body, {
  attributes: true,
  attributeFilter: ["class"],
});
