// How the scope draws: axes and sweeps on `base`; the sweep that is looked at, cursors and the drag on `top`.

const GAP = 14; // px between two panels

let panels = [];
let look = {};
let frame = 0; // the animation frame that was asked for
let stale = false; // whether that frame must draw everything
let pointer = null; // {x, y}: over the stage; drag: where a drag began
let grabbed = null; // the index of the cursor that is dragged

function axis() {
  const last = shown.start + (shown.samples - 1) * shown.step;
  const { from = shown.start, to = Math.max(last, shown.start + shown.step) } = view;
  return { from, to, start: shown.start, step: shown.step };
}

function readLook() {
  const style = getComputedStyle(root);
  const color = (name) => style.getPropertyValue(`--scope-${name}`).trim();
  look = {
    font: `12px ${style.getPropertyValue("--font-mono")}`,
    back: color("back"),
    grid: color("grid"),
    axis: color("axis"),
    cursor: color("cursor"),
    model: color("model"),
    colors: sweepColors(color("sweeps"), shown.total ?? 0),
  };
}

// Sizes, ranges and lines: what changes with the sweeps, the view, the window and the theme.
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
  panels = shown.sweeps.length ? placed(width, height) : [];
  for (const panel of panels) {
    panel.paths = panel.signals.map((signal) => linePath(signal, axis(), panel, pixel));
    panel.ghosts = panel.former.map((signal) => linePath(signal, axis(), panel, pixel));
    const over = panel.name === "response" && overlay?.revision === shown.revision ? overlay.signals : [];
    panel.overlay = over.map((signal) => linePath(signal, axis(), panel, pixel));
  }
  drawBase();
  drawHead();
  drawTop();
  root.dataset.drawn = shown.sweeps.length;
  root.dataset.overlaid = panels[0]?.overlay.length ?? 0;
  root.dataset.panels = panels.map(({ name }) => name).join(" ");
}

// The panels from top to bottom, each with its part of the height.
function placed(width, height) {
  const name = (unit) => (unit === "mV" ? "voltage (mV)" : "current (pA)");
  const of = (signal) => shown.sweeps.map((sweep) => sweep[signal]);
  const rows = [
    { name: "response", part: 5, label: name(shown.responseUnit), unit: shown.responseUnit, signals: of("response") },
  ];
  if (extra) {
    const label = extra.unit ? `${extra.name} (${extra.unit})` : extra.name;
    rows.push({
      name: "extra",
      part: 3,
      label,
      unit: extra.unit,
      signals: extra.signals.slice(0, shown.sweeps.length),
    });
  }
  if (shown.sweeps[0].command) {
    rows.push({
      name: "command",
      part: 2,
      label: name(shown.commandUnit),
      unit: shown.commandUnit,
      signals: of("command"),
    });
  }
  const ranges = rows.map((row) => view[row.name] ?? rangeOf(row.signals));
  const digits = ranges.flatMap(({ low, high }) => ticks(low, high, 5).map(({ text }) => text.length));
  const left = Math.max(68, 34 + 7.3 * Math.max(...digits));
  const room = height - 8 - 42 - GAP * (rows.length - 1);
  const parts = rows.reduce((sum, row) => sum + row.part, 0);
  let y = 8;
  return rows.map((row) => {
    const former = row.name === "extra" ? [] : ghosts.map((sweep) => sweep[row.name]).filter(Boolean);
    const range = view[row.name] ?? rangeOf([...row.signals, ...former]);
    const panel = { ...row, former, ...range, left, width: Math.max(10, width - left - 18), top: y };
    panel.height = Math.round((room * row.part) / parts);
    y += panel.height + GAP;
    return panel;
  });
}

function drawBase() {
  const context = base.getContext("2d");
  context.clearRect(0, 0, stage.clientWidth, stage.clientHeight);
  for (const [k, panel] of panels.entries()) {
    drawAxes(context, panel, axis(), look, k === panels.length - 1);
    context.save();
    clip(context, panel);
    context.lineWidth = 1;
    context.globalAlpha = 0.25;
    context.strokeStyle = look.axis;
    for (const path of panel.ghosts) context.stroke(path);
    context.globalAlpha = 1;
    context.lineWidth = shown.total > 20 ? 1 : 1.3;
    panel.paths.forEach((path, sweep) => {
      context.strokeStyle = look.colors[sweep];
      context.stroke(path);
    });
    drawOverlay(context, panel.overlay);
    context.restore();
  }
}

// What a model does, dashed over the sweeps that it stands for.
function drawOverlay(context, paths) {
  context.strokeStyle = look.model;
  context.lineWidth = 1.3;
  context.setLineDash([5, 3]);
  for (const path of paths) context.stroke(path);
  context.setLineDash([]);
}

function clip(context, panel) {
  context.beginPath();
  context.rect(panel.left + 1, panel.top + 1, panel.width - 1, panel.height - 1);
  context.clip();
}

function drawSoon(everything = false) {
  stale ||= everything;
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    if (stale) layOut();
    else drawTop();
  });
}

// The sweep that is looked at, its samples under the pointer, the cursors and the drag.
function drawTop() {
  const context = top.getContext("2d");
  context.clearRect(0, 0, stage.clientWidth, stage.clientHeight);
  const sweep = selected ?? nearest();
  const index = sweep === null || !overPanels() ? null : sampleAt(pointer.x);
  for (const panel of panels) {
    context.save();
    clip(context, panel);
    if (sweep !== null) drawSweep(context, panel, sweep, index);
    context.restore();
  }
  drawDrag(context);
  drawCursors(context, sweep);
  root.dataset.selected = selected ?? "";
  root.dataset.looked = sweep ?? "";
  drawReadout(sweep, index);
}

function drawSweep(context, panel, sweep, index) {
  if (!panel.paths[sweep]) return;
  context.globalAlpha = selected === null ? 0.6 : 0.8;
  context.fillStyle = look.back;
  context.fillRect(panel.left, panel.top, panel.width, panel.height);
  context.globalAlpha = 1;
  context.lineWidth = 1.8;
  context.lineJoin = "round";
  context.strokeStyle = look.colors[sweep];
  context.stroke(panel.paths[sweep]);
  drawOverlay(context, panel.overlay.slice(sweep, sweep + 1));
  if (index === null) return;
  const x = xOf(panel, axis(), shown.start + index * shown.step);
  verticalLine(context, panel, x, look.cursor);
  context.beginPath();
  context.arc(x, yOf(panel, valueAt(panel.signals[sweep], index)), 4, 0, 7);
  context.fillStyle = look.colors[sweep];
  context.strokeStyle = look.back;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
}

function verticalLine(context, panel, x, color) {
  context.lineWidth = 1;
  context.strokeStyle = color;
  context.beginPath();
  context.moveTo(Math.round(x) + 0.5, panel.top);
  context.lineTo(Math.round(x) + 0.5, panel.top + panel.height);
  context.stroke();
}

function drawDrag(context) {
  if (pointer?.drag === undefined) return;
  const { from, to, panel } = dragged();
  context.globalAlpha = 0.2;
  context.fillStyle = look.cursor;
  for (const one of panel.tall ? panels : [panel]) {
    const [top, bottom] = panel.tall ? [one.top, one.top + one.height] : [from.y, to.y];
    context.fillRect(from.x, top, to.x - from.x, bottom - top);
  }
  context.globalAlpha = 1;
}

function drawCursors(context, sweep) {
  const between = stage.querySelector(".between");
  between.hidden = !cursors;
  if (!cursors || !panels.length) return;
  cursors.forEach((time, k) => {
    const x = xOf(panels[0], axis(), time);
    for (const panel of panels)
      if (x >= panel.left && x <= panel.left + panel.width) verticalLine(context, panel, x, look.axis);
    context.fillStyle = look.axis;
    context.font = look.font;
    context.fillText("AB"[k], x + 4, panels[0].top + 12);
  });
  between.textContent = measured(sweep ?? 0);
}

// ---------------------------------------------------------------- words

// What lies between the cursors, of one sweep.
function measured(sweep) {
  const [a, b] = cursors;
  const lines = [`\u0394t ${number(b - a, 3)} ms` + (b === a ? "" : `  (${plain(1000 / Math.abs(b - a))} Hz)`)];
  for (const { name, signals, unit } of panels) {
    if (!signals[sweep]) continue;
    const [at, then] = cursors.map((time) => valueAt(signals[sweep], indexOf(time)));
    const what = name === "extra" ? extra.name : name;
    lines.push(`${what}: A ${number(at, 2)}, B ${number(then, 2)}, \u0394 ${number(then - at, 2)} ${unit}`);
  }
  return `sweep ${sweep + 1}\n${lines.join("\n")}`;
}

function drawHead() {
  const title = root.querySelector(".title");
  const legend = root.querySelector(".legend");
  title.textContent = shown.title ?? "";
  if (!shown.sweeps.length) return;
  const length = shown.samples * shown.step;
  const count = shown.sweeps.length < shown.total ? `${shown.sweeps.length} of ${shown.total}` : shown.total;
  const details = [
    `${count} ${shown.total === 1 ? "sweep" : "sweeps"}`,
    `${number(length, length < 10 ? 1 : 0)} ms`,
    shown.step < 1 ? `${short(1 / shown.step)} kHz` : `${short(1000 / shown.step)} Hz`,
  ];
  title.appendChild(document.createElement("small")).textContent = details.join(" \u00b7 ");
  const levels = shown.sweeps.map((sweep) => sweep.level);
  legend.hidden = shown.total < 2 || levels.includes(null);
  if (legend.hidden) return;
  legend.querySelector(".first").textContent = short(levels[0]);
  legend.querySelector(".last").textContent = `${short(levels.at(-1))} ${shown.commandUnit}`;
}

function short(value) {
  return number(value, Math.abs(value) >= 100 ? 0 : 1).replace(/\.0$/, "");
}

function drawReadout(sweep, index) {
  const readout = root.querySelector(".readout");
  readout.replaceChildren();
  if (sweep === null) return;
  const add = (text, unit = "") => {
    const cell = readout.appendChild(document.createElement("span"));
    cell.textContent = text;
    if (unit) cell.appendChild(document.createElement("small")).textContent = ` ${unit}`;
    return cell;
  };
  const dot = document.createElement("i");
  dot.style.background = look.colors[sweep];
  add(`sweep ${sweep + 1}`).prepend(dot);
  const trace = shown.sweeps[sweep];
  if (index === null) {
    if (trace.level !== null) add(short(trace.level), shown.commandUnit);
    return;
  }
  add(number(shown.start + index * shown.step, 2), "ms");
  for (const { name, signals, unit } of panels) {
    if (signals[sweep]) add(number(valueAt(signals[sweep], index), name === "command" ? 1 : 2), unit);
  }
}

new ResizeObserver(() => drawSoon(true)).observe(stage);
new MutationObserver(() => drawSoon(true)).observe(document.body, { attributes: true, attributeFilter: ["class"] });
document.fonts.ready.then(() => drawSoon(true));
