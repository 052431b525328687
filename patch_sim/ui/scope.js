// The scope. Two canvases lie on each other: `base` has the axes and all sweeps, `top` what follows the pointer.
//
// The server rings: the prop `doorbell` names a session, the revision of its traces and how many sweeps are ready.
// What is lacking is then fetched, batch by batch; a bell that was missed does no harm.
// `data-*` attributes on the root tell tests and style sheets what is shown.

const root = element.querySelector(".scope");
const stage = root.querySelector(".stage");
const base = stage.querySelector(".base");
const top = stage.querySelector(".top");
const notice = root.querySelector(".notice");

let bell = null; // the last doorbell
let shown = { revision: 0, sweeps: [] }; // what is drawn
let view = null; // the times (ms) between which it is drawn; null: all
let selected = null; // the index of a sweep, or null
let pointer = null; // {x, y}: over the stage; drag: where a drag began
let panels = [];
let look = {};
let frame = 0; // the animation frame that was asked for
let stale = false; // whether that frame must draw everything

// ---------------------------------------------------------------- fetching

let fetching = false;

async function fetchSweeps() {
  if (fetching) return;
  fetching = true;
  try {
    while (bell.revision && (shown.revision !== bell.revision || shown.sweeps.length < bell.ready)) {
      const { token, revision } = bell;
      const have = shown.revision === revision ? shown.sweeps.length : 0;
      const answer = await server.fetch_sweeps(token, revision, have).catch(() => undefined);
      if (answer === undefined) return showNotice("Connection lost: is the program still running?", true);
      if (answer === null && bell.revision === revision) return showNotice("This page has expired: press Run.", true);
      if (answer !== null) receive(revision, answer);
    }
  } finally {
    fetching = false;
  }
}

function receive(revision, answer) {
  const sweeps = answer.sweeps.map(({ level, response, command }) => ({
    level,
    response: decode(response),
    command: command && decode(command),
  }));
  if (shown.revision !== revision) {
    shown = { ...answer, revision, sweeps };
    view = null;
    selected = null;
  } else shown.sweeps.push(...sweeps);
  root.dataset.revision = revision;
  root.dataset.sweeps = shown.sweeps.length;
  root.dataset.total = shown.total;
  root.dataset.samples = shown.samples;
  root.dataset.unit = shown.responseUnit;
  drawSoon(true);
}

watch("doorbell", () => {
  const next = JSON.parse(props.doorbell);
  if (bell && next.ring < bell.ring) return;
  bell = next;
  root.dataset.busy = bell.busy;
  showNotice(bell.error ?? bell.warnings.join("\n"), bell.error !== null);
  fetchSweeps();
});

function showNotice(text, error) {
  notice.hidden = !text;
  notice.classList.toggle("error", error);
  notice.querySelector(".text").textContent = text;
  if (text && error) notice.scrollIntoView({ block: "nearest" });
}

notice.querySelector("button").addEventListener("click", () => showNotice("", false));
document.addEventListener("notice", ({ detail }) => showNotice(detail, true)); // from elsewhere on the page

// ---------------------------------------------------------------- drawing

function axis() {
  const last = shown.start + (shown.samples - 1) * shown.step;
  const { from, to } = view ?? { from: shown.start, to: Math.max(last, shown.start + shown.step) };
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
  panels = [];
  if (shown.sweeps.length) {
    const left = 68;
    const frameOf = { left, width: Math.max(10, width - left - 18) };
    const room = height - 8 - 42;
    const both = shown.sweeps[0].command !== null;
    const name = (unit) => (unit === "mV" ? "voltage (mV)" : "current (pA)");
    const add = (signal, top, height, unit) => {
      const range = rangeOf(shown.sweeps.map((sweep) => sweep[signal]));
      panels.push({ ...frameOf, ...range, signal, top, height: Math.round(height), label: name(unit), unit });
    };
    add("response", 8, both ? 0.72 * (room - 14) : room, shown.responseUnit);
    if (both) add("command", 8 + panels[0].height + 14, 0.28 * (room - 14), shown.commandUnit);
    for (const panel of panels) {
      panel.paths = shown.sweeps.map((sweep) => linePath(sweep[panel.signal], axis(), panel, pixel));
    }
  }
  drawBase();
  drawHead();
  drawTop();
  root.dataset.drawn = shown.sweeps.length;
}

function drawBase() {
  const context = base.getContext("2d");
  context.clearRect(0, 0, stage.clientWidth, stage.clientHeight);
  for (const [k, panel] of panels.entries()) {
    drawAxes(context, panel, axis(), look, k === panels.length - 1);
    context.save();
    clip(context, panel);
    context.lineWidth = shown.total > 20 ? 1 : 1.3;
    panel.paths.forEach((path, sweep) => {
      context.strokeStyle = look.colors[sweep];
      context.stroke(path);
    });
    context.restore();
  }
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

// The sweep that is looked at, its samples under the pointer, and the drag.
function drawTop() {
  const context = top.getContext("2d");
  context.clearRect(0, 0, stage.clientWidth, stage.clientHeight);
  const sweep = selected ?? nearest();
  const index = sweep === null || !overPanels() ? null : sampleAt(pointer.x);
  for (const panel of panels) {
    context.save();
    clip(context, panel);
    if (sweep !== null) drawSweep(context, panel, sweep, index);
    if (pointer?.drag !== undefined) {
      context.globalAlpha = 0.2;
      context.fillStyle = look.cursor;
      context.fillRect(pointer.drag, panel.top, pointer.x - pointer.drag, panel.height);
    }
    context.restore();
  }
  root.dataset.selected = selected ?? "";
  root.dataset.looked = sweep ?? "";
  drawReadout(sweep, index);
}

function drawSweep(context, panel, sweep, index) {
  context.globalAlpha = selected === null ? 0.6 : 0.8;
  context.fillStyle = look.back;
  context.fillRect(panel.left, panel.top, panel.width, panel.height);
  context.globalAlpha = 1;
  context.lineWidth = 1.8;
  context.lineJoin = "round";
  context.strokeStyle = look.colors[sweep];
  context.stroke(panel.paths[sweep]);
  if (index === null) return;
  const x = xOf(panel, axis(), shown.start + index * shown.step);
  context.lineWidth = 1;
  context.strokeStyle = look.cursor;
  context.beginPath();
  context.moveTo(x, panel.top);
  context.lineTo(x, panel.top + panel.height);
  context.stroke();
  context.beginPath();
  context.arc(x, yOf(panel, valueAt(shown.sweeps[sweep][panel.signal], index)), 4, 0, 7);
  context.fillStyle = look.colors[sweep];
  context.strokeStyle = look.back;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
}

// ---------------------------------------------------------------- words

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
  add(number(valueAt(trace.response, index), 2), shown.responseUnit);
  if (trace.command) add(number(valueAt(trace.command, index), 1), shown.commandUnit);
}

// ---------------------------------------------------------------- looking and selecting

function overPanels() {
  if (pointer === null || panels.length === 0) return false;
  return pointer.x >= panels[0].left && pointer.x <= panels[0].left + panels[0].width;
}

function sampleAt(x) {
  return Math.max(0, Math.min(shown.samples - 1, Math.round(indexAt(panels[0], axis(), x))));
}

function nearest() {
  if (!overPanels()) return null;
  const panel = panels.find(({ top, height }) => pointer.y >= top && pointer.y <= top + height);
  if (!panel) return null;
  let best = null;
  let least = 24;
  shown.sweeps.forEach((sweep, k) => {
    const gap = distance(sweep[panel.signal], axis(), panel, pointer.x, pointer.y);
    if (gap < least) [best, least] = [k, gap];
  });
  return best;
}

function select(sweep) {
  selected = sweep;
  drawSoon();
}

function place(event) {
  const box = top.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

top.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !panels.length) return;
  root.focus({ preventScroll: true });
  top.setPointerCapture(event.pointerId);
  pointer = { ...place(event), from: place(event).x };
});

top.addEventListener("pointermove", (event) => {
  const { from } = pointer ?? {};
  pointer = { ...place(event), from };
  if (from !== undefined && Math.abs(pointer.x - from) > 4) pointer.drag = from;
  drawSoon();
});

top.addEventListener("pointerup", () => {
  const { x, from, drag } = pointer ?? {};
  if (from === undefined) return;
  delete pointer.from;
  delete pointer.drag;
  if (drag === undefined) select(nearest());
  else zoom(...[sampleAt(drag), sampleAt(x)].sort((a, b) => a - b));
});

for (const leave of ["pointerleave", "pointercancel"]) {
  top.addEventListener(leave, () => {
    pointer = null;
    drawSoon();
  });
}

top.addEventListener("dblclick", () => {
  view = null;
  drawSoon(true);
});

function zoom(first, last) {
  if (last - first < 4) return drawSoon();
  view = { from: shown.start + first * shown.step, to: shown.start + last * shown.step };
  drawSoon(true);
}

document.addEventListener("keydown", (event) => {
  const here = document.activeElement === document.body || root.contains(document.activeElement);
  const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
  if (!here || !shown.sweeps.length || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") select(null);
  else if (step) {
    event.preventDefault();
    const count = shown.sweeps.length;
    select(selected === null ? (step > 0 ? 0 : count - 1) : (selected + step + count) % count);
  }
});

// ----------------------------------------------------------------

new ResizeObserver(() => drawSoon(true)).observe(stage);
new MutationObserver(() => drawSoon(true)).observe(document.body, { attributes: true, attributeFilter: ["class"] });
document.fonts.ready.then(() => drawSoon(true));
