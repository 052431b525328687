// How the continuous scope draws.

const GAP = 22; // px between two panels
const READ = 200; // ms: nobody reads faster, and to lay out words takes longer than to draw a trace
const MEASURED = { Rs: "MOhm", Rm: "MOhm", Cm: "pF" };
const HEAD = 6; // px that the growing trace keeps free before it

let look = {};
let frame = 0; // the animation frame that was asked for
let stale = true; // whether that frame must draw everything
let shownSince = null; // when what the next frame shows was changed
let panels = [];
let readAt = 0; // when the readout was written last

function relayout() {
  stale = true;
}

function drawSoon(since = null) {
  shownSince ??= since;
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    if (!document.body.classList.contains("live")) return;
    if (stale) layOut();
    drawTop();
    if (performance.now() - readAt > READ) showReadout();
    if (shownSince !== null) root.dataset.latency = Math.round(performance.now() - shownSince);
    shownSince = null;
  });
}

function axis() {
  const start = -lead() * step;
  return { from: start, to: start + length(), start, step };
}

function readLook() {
  const style = getComputedStyle(root);
  const color = (name) => style.getPropertyValue(`--scope-${name}`).trim();
  look = {
    font: `12px ${style.getPropertyValue("--font-mono")}`,
    grid: color("grid"),
    axis: color("axis"),
    response: color("response"),
    command: color("command"),
  };
}

// Sizes, axes and what persists: what changes with the ranges, the window and the theme.
function layOut() {
  stale = false;
  const pixel = 1 / (window.devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = stage;
  for (const canvas of [base, top]) {
    canvas.width = Math.round(width / pixel);
    canvas.height = Math.round(height / pixel);
    canvas.getContext("2d").scale(1 / pixel, 1 / pixel);
  }
  readLook();
  panels = ranges.response ? placed(width, height) : [];
  for (const sweep of sweeps) sweep.paths = null;
  const context = base.getContext("2d");
  panels.forEach((panel, k) => drawAxes(context, panel, axis(), look, k === panels.length - 1));
  if (panels.length && bar.trigger.value) drawLevel(context);
  if (!bar.persist.checked) return;
  sweeps.slice(1).forEach((sweep, age) => {
    context.globalAlpha = 0.7 * 0.8 ** age;
    drawSweep(context, sweep, 1);
  });
  context.globalAlpha = 1;
}

function placed(width, height) {
  const label = (unit) => (unit === "mV" ? "voltage (mV)" : "current (pA)");
  const left = 68;
  const room = height - 8 - 42 - GAP;
  const responseHeight = Math.round(room * 0.74);
  const common = { left, width: Math.max(10, width - left - 18) };
  return [
    { name: "response", label: label(units.response), ...ranges.response, ...common, top: 8, height: responseHeight },
    {
      name: "command",
      label: label(units.command),
      ...ranges.command,
      ...common,
      top: 8 + responseHeight + GAP,
      height: room - responseHeight,
    },
  ];
}

// A mark at the edge of the screen where the trigger is.
function drawLevel(context) {
  const [panel] = panels;
  const y = yOf(panel, Number(level.value()));
  if (!(y >= panel.top && y <= panel.top + panel.height)) return;
  context.strokeStyle = look.axis;
  context.setLineDash([3, 4]);
  context.beginPath();
  context.moveTo(panel.left, y);
  context.lineTo(panel.left + panel.width, y);
  context.stroke();
  context.setLineDash([]);
}

function pathsOf(sweep) {
  const whole = sweep.filled === sweep.response.length;
  if (whole && sweep.paths) return sweep.paths;
  const pixel = 1 / (window.devicePixelRatio || 1);
  const paths = panels.map((panel) => {
    const codes = sweep[panel.name].subarray(0, sweep.filled);
    return linePath({ codes, offset: 0, scale: 1 }, axis(), panel, pixel);
  });
  if (whole) sweep.paths = paths;
  return paths;
}

// A sweep, from some pixel on.
function drawSweep(context, sweep, width, from = 0) {
  pathsOf(sweep).forEach((path, k) => {
    const panel = panels[k];
    context.save();
    context.beginPath();
    const left = Math.max(panel.left + 1, from);
    context.rect(left, panel.top + 1, Math.max(0, panel.left + panel.width - left), panel.height - 1);
    context.clip();
    context.lineWidth = width;
    context.lineJoin = "round";
    context.strokeStyle = look[panel.name];
    context.stroke(path);
    context.restore();
  });
}

function drawTop() {
  const context = top.getContext("2d");
  context.clearRect(0, 0, stage.clientWidth, stage.clientHeight);
  if (!panels.length || !sweeps.length) return;
  const [now, before] = sweeps;
  const head = xOf(panels[0], axis(), axis().from + now.filled * step);
  if (before && !bar.persist.checked) {
    context.globalAlpha = 0.45;
    drawSweep(context, before, 1.3, head + HEAD);
    context.globalAlpha = 1;
  }
  drawSweep(context, now, 1.5);
  if (now.filled === now.response.length) return;
  context.fillStyle = look.response;
  context.beginPath();
  context.arc(head, yOf(panels[0], now.response[now.filled - 1]), 3, 0, 7);
  context.fill();
}

// ---------------------------------------------------------------- words

function rate() {
  if (units.response !== "mV" || expected === null) return null;
  const seconds = Math.min(1, (Number(root.dataset.samples) * step) / 1000);
  return seconds > 0.2 ? spikes.length / seconds : null;
}

// How fast the cell's time went in the last second, in times of ours.
function speedNow() {
  const [first, last] = [pace[0], pace.at(-1)];
  return !first || last.at - first.at < 700 ? null : (last.time - first.time) / (last.at - first.at);
}

function showReadout() {
  readAt = performance.now();
  const cells = [];
  const small = (words, title) => make("small", { title }, words);
  const add = (name, value, unit) => cells.push(make("span", {}, small(`${name} `), value, small(` ${unit}`)));
  const firing = rate();
  root.dataset.rate = firing === null ? "" : firing.toFixed(1);
  if (reading?.why) cells.push(small(`Rs, Rm, Cm: ${reading.why}`));
  else if (reading) {
    for (const [name, unit] of Object.entries(MEASURED)) add(name, Number(reading[name].toPrecision(3)), unit);
  }
  if (firing !== null) add("fires at", firing.toFixed(firing < 10 ? 1 : 0), "Hz");
  const speed = speedNow();
  root.dataset.speed = speed === null ? "" : speed.toFixed(2);
  const asked = Number(bar.speed.value);
  if (running && speed !== null && speed < 0.8 * asked) {
    const why = "this cell takes longer to compute than its time may go";
    cells.push(small(`runs at ${speed.toFixed(2)}\u00d7`, why));
  }
  root.querySelector(".readout").replaceChildren(...cells);
}

function showWaiting(text) {
  const words = stage.querySelector(".waiting");
  if (words.hidden === Boolean(text)) words.hidden = !text;
  write(words, text);
}

// Words that are the same as before are not laid out again.
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function showNotice(text, error) {
  notice.hidden = !text;
  notice.classList.toggle("error", Boolean(error));
  notice.querySelector(".text").textContent = text;
}

notice.querySelector("button").addEventListener("click", () => showNotice(""));

function relook() {
  relayout();
  drawSoon();
}

new ResizeObserver(relook).observe(stage);
new MutationObserver(relook).observe(document.body, { attributes: true, attributeFilter: ["class"] });
document.fonts.ready.then(relook);
