// How the scope is used: looking, selecting, zooming, panning and the cursors, by mouse and keyboard.

const NEAR = 6; // px: so near to a cursor the pointer takes hold of it
const FLAT = 12; // px: a drag that is flatter zooms in time alone

function overPanels() {
  if (pointer === null || panels.length === 0) return false;
  return pointer.x >= panels[0].left && pointer.x <= panels[0].left + panels[0].width;
}

function panelAt(y) {
  return panels.find(({ top, height }) => y >= top && y <= top + height);
}

function sampleAt(x) {
  return Math.max(0, Math.min(shown.samples - 1, Math.round(indexAt(panels[0], axis(), x))));
}

function indexOf(time) {
  return Math.max(0, Math.min(shown.samples - 1, Math.round((time - shown.start) / shown.step)));
}

function timeAt(x) {
  const { from, to } = axis();
  return from + ((x - panels[0].left) / panels[0].width) * (to - from);
}

function valueAtY(panel, y) {
  return panel.high - ((y - panel.top) / panel.height) * (panel.high - panel.low);
}

function nearest() {
  if (!overPanels() || grabbed !== null) return null;
  const panel = panelAt(pointer.y);
  if (!panel) return null;
  let best = null;
  let least = 24;
  panel.signals.forEach((signal, k) => {
    const gap = distance(signal, axis(), panel, pointer.x, pointer.y);
    if (gap < least) [best, least] = [k, gap];
  });
  return best;
}

function select(sweep) {
  if (sweep === selected) return;
  selected = sweep;
  emit("select", selected);
  drawSoon();
}

// ---------------------------------------------------------------- zoom and pan

function showAll() {
  view = {};
  drawSoon(true);
}

// The corners of the drag, and its panel; `tall` if it is of the time alone.
function dragged() {
  const { drag } = pointer;
  const panel = panelAt(drag.y) ?? panels[0];
  const inside = (y) => Math.max(panel.top, Math.min(panel.top + panel.height, y));
  const [left, right] = [drag.x, pointer.x].sort((a, b) => a - b);
  const [upper, lower] = [inside(drag.y), inside(pointer.y)].sort((a, b) => a - b);
  return { from: { x: left, y: upper }, to: { x: right, y: lower }, panel: { ...panel, tall: lower - upper < FLAT } };
}

function zoomToDrag() {
  const { from, to, panel } = dragged();
  if ((timeAt(to.x) - timeAt(from.x)) / shown.step < 4) return drawSoon();
  const y = panel.tall ? {} : { [panel.name]: { low: valueAtY(panel, to.y), high: valueAtY(panel, from.y) } };
  setTimes(timeAt(from.x), timeAt(to.x));
  Object.assign(view, y);
}

// Look from one time to another, within the sweep.
function setTimes(from, to) {
  const last = shown.start + (shown.samples - 1) * shown.step;
  const length = Math.min(last - shown.start, Math.max(4 * shown.step, to - from));
  const begin = Math.max(shown.start, Math.min(last - length, from));
  if (length >= last - shown.start) {
    delete view.from;
    delete view.to;
  } else Object.assign(view, { from: begin, to: begin + length });
  drawSoon(true);
}

function scaleTime(factor, x) {
  const { from, to } = axis();
  const at = timeAt(x);
  setTimes(at - (at - from) * factor, at + (to - at) * factor);
}

function scaleValue(panel, factor, y) {
  const at = valueAtY(panel, y);
  view[panel.name] = { low: at - (at - panel.low) * factor, high: at + (panel.high - at) * factor };
  drawSoon(true);
}

function pan(by) {
  const { from, to } = axis();
  const shift = (-by.x / panels[0].width) * (to - from);
  const panel = panelAt(pointer.y);
  if (panel && view[panel.name]) {
    const rise = (by.y / panel.height) * (panel.high - panel.low);
    view[panel.name] = { low: panel.low + rise, high: panel.high + rise };
  }
  setTimes(from + shift, to + shift);
}

// ---------------------------------------------------------------- pointer

function place(event) {
  const box = top.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function cursorAt(x) {
  const near = (cursors ?? []).map((time) => Math.abs(xOf(panels[0], axis(), time) - x));
  const k = near.indexOf(Math.min(...near));
  return k >= 0 && near[k] <= NEAR ? k : null;
}

top.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !panels.length) return;
  root.focus({ preventScroll: true });
  top.setPointerCapture(event.pointerId);
  const at = place(event);
  grabbed = cursorAt(at.x);
  pointer = { ...at, from: at, pan: event.altKey || event.pointerType === "touch" };
});

top.addEventListener("pointermove", (event) => {
  const { from, pan: panning, x, y } = pointer ?? {};
  pointer = { ...place(event), from, pan: panning };
  if (!panels.length) return;
  if (grabbed !== null) cursors[grabbed] = timeAt(pointer.x);
  else if (from && panning) pan({ x: pointer.x - x, y: pointer.y - y });
  else if (from && Math.hypot(pointer.x - from.x, pointer.y - from.y) > 4) pointer.drag = from;
  top.style.cursor = cursorAt(pointer.x) === null ? "" : "ew-resize";
  drawSoon();
});

top.addEventListener("pointerup", (event) => {
  const { from, drag } = pointer ?? {};
  if (from === undefined) return;
  if (grabbed === null && drag) zoomToDrag();
  const moved = Math.hypot(pointer.x - from.x, pointer.y - from.y) > 4;
  pointer = { x: pointer.x, y: pointer.y };
  if (grabbed === null && !moved) select(nearest());
  grabbed = null;
  if (event.pointerType === "touch") pointer = null;
  drawSoon();
});

for (const leave of ["pointerleave", "pointercancel"]) {
  top.addEventListener(leave, () => {
    pointer = null;
    grabbed = null;
    drawSoon();
  });
}

top.addEventListener("dblclick", showAll);

top.addEventListener(
  "wheel",
  (event) => {
    if (!panels.length || event.ctrlKey) return;
    event.preventDefault();
    const { x, y } = place(event);
    const factor = 1.0015 ** (event.deltaY || event.deltaX);
    const panel = panelAt(y);
    if (event.shiftKey && panel) scaleValue(panel, factor, y);
    else scaleTime(factor, x);
  },
  { passive: false },
);

// ---------------------------------------------------------------- keyboard and cursors

function showCursors(on) {
  const { from, to } = axis();
  cursors = on && shown.sweeps.length ? [from + (to - from) / 3, from + (2 * (to - from)) / 3] : null;
  bar.cursors.checked = cursors !== null;
  drawSoon();
}

bar.cursors.addEventListener("change", () => showCursors(bar.cursors.checked));

function step(by) {
  const count = shown.sweeps.length;
  select(selected === null ? (by > 0 ? 0 : count - 1) : (selected + by + count) % count);
}

const KEYS = {
  ArrowUp: () => step(1),
  ArrowRight: () => step(1),
  ArrowDown: () => step(-1),
  ArrowLeft: () => step(-1),
  Home: () => select(0),
  End: () => select(shown.sweeps.length - 1),
  Escape: () => {
    select(null);
    showCursors(false);
  },
  0: showAll,
  c: () => showCursors(cursors === null),
  r: run,
};

document.addEventListener("keydown", (event) => {
  const here = document.activeElement === document.body || root === document.activeElement;
  if (!here || event.ctrlKey || event.metaKey || event.altKey || document.body.classList.contains("live")) return;
  const act = KEYS[event.key];
  if (!act || (!shown.sweeps.length && event.key !== "r")) return;
  event.preventDefault();
  act();
});

on("choose", select); // elsewhere on the page, as in the table of sweeps
