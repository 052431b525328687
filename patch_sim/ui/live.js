// Continuous mode: an oscilloscope on a cell that lives on. Two canvases lie on each other: `base` has the axes and
// what persists, `top` the trace that is being drawn and the rest of the one before, up to which it has not come yet.
// This file has what comes and what is asked for; live_draw.js draws it, live_controls.js is for mouse and keyboard.
//
// The page pulls some 25 times a second; what is changed goes along with the next pull, so that it counts at once.
// `data-*` attributes on the root tell tests and style sheets what is shown.

const root = element.querySelector(".continuous");
const stage = root.querySelector(".stage");
const base = stage.querySelector(".base");
const top = stage.querySelector(".top");
const notice = root.querySelector(".notice");
const bar = Object.fromEntries([...root.querySelectorAll("[name]")].map((control) => [control.name, control]));

const PULL = 40; // ms between two pulls
const SLOW = 400; // ms: an answer that takes longer is being compiled
const BEFORE = 0.1; // of a triggered sweep, before its trigger
const MOST_FAILURES = 20; // of pulls in a row, until it is given up
const MOST_SWEEPS = 8; // that persist
const QUIET = { mV: 20, pA: 50 }; // the least range of the screen
const SPIKE = { up: -20, down: -30 }; // mV: what rises through the one is a spike, once it was below the other

let settings = { mode: "current clamp", test: false, numbers: {} }; // beside the cell and the electrode of the page
let running = false;
let fresh = true; // whether time stood still since the last pull
let wanted = { set: true }; // what goes along with the next pull
let changedAt = null; // when something was changed that no answer has shown yet
let turn = 0; // of the loop that pulls
let serial = 0; // of the last pull
let underway = 0; // pulls without an answer
const inbox = []; // answers that came before an earlier one
let failures = 0; // of pulls, one after the other
let expected = null; // the index of the next sample
let sweeps = []; // the newest first; the first may still be growing
let waiting = null; // samples before a trigger that has not come, or null
let history = []; // {end, low, high, command: {low, high}} of the last answers, to find the range of the screen
let ranges = {}; // {response, command}: {low, high}
let units = { response: "mV", command: "pA" };
let step = 0.025; // ms between samples
let spikes = []; // indices of samples
let armed = false; // whether the next rise may be a spike
let above = true; // whether the trace is above the trigger's level
let pace = []; // {at, time}: by the clock and in the cell, ms, of the last answers
let reading = null; // what the last test pulses said

Object.assign(root.dataset, { samples: 0, gaps: 0, updates: 0, seconds: 0, rate: "", running: false, latency: "" });

// ---------------------------------------------------------------- pulling

// A pull leaves every 40 ms, also while the one before is still on its way, but never more than two. The server tells
// by their serial numbers which of two settings that overtook each other is the newer.
async function run() {
  const mine = ++turn;
  let due = performance.now();
  while (running && turn === mine) {
    if (underway < (fresh || expected === null ? 1 : 2)) pullOnce();
    due = Math.max(due + PULL, performance.now() + 4);
    await new Promise((done) => setTimeout(done, due - performance.now()));
  }
}

async function pullOnce() {
  const since = changedAt;
  const slow = setTimeout(() => showWaiting("Preparing the cell\u2026"), SLOW);
  underway++;
  try {
    const answer = await call("pull", request());
    failures = 0;
    if (answer.stopped) stopped(answer.stopped);
    else inOrder(answer, since);
  } catch (error) {
    failed(error);
  } finally {
    underway--;
    clearTimeout(slow);
  }
}

// Two answers may overtake each other.
function inOrder(answer, since) {
  inbox.push({ answer, since });
  inbox.sort((a, b) => a.answer.first - b.answer.first);
  while (inbox.length && (inbox[0].answer.first <= (expected ?? 0) || inbox.length > 1)) {
    const { answer: next, since: changed } = inbox.shift();
    receive(next, changed);
  }
}

// What cannot be set is said, and the cell lives on as it was; a connection may come back.
function failed(error) {
  showNotice(error.message, true);
  failures++;
  if (failures > MOST_FAILURES) pause();
}

function stopped(why) {
  pause();
  showNotice(why, true);
}

function request() {
  const { set, ...also } = wanted;
  const asked = { serial: ++serial, speed: Number(bar.speed.value), fresh, ...also };
  if (set) asked.set = { cell: rig.state.cell, electrode: rig.state.electrode, ...settings };
  wanted = {};
  fresh = false;
  changedAt = null;
  return asked;
}

function want(change) {
  wanted = { ...wanted, ...change };
  changedAt ??= performance.now();
}

function start() {
  if (running) return;
  running = true;
  fresh = true;
  wanted.set = true;
  failures = 0;
  pace = [];
  showNotice("");
  showState();
  run();
}

function pause() {
  running = false;
  showWaiting("");
  showState();
}

// ---------------------------------------------------------------- receiving

function receive(answer, since) {
  if (answer.title !== undefined) shownCell(answer);
  if (answer.mode !== root.dataset.mode) begin(answer);
  const response = values(answer.response);
  const command = values(answer.command);
  if (expected !== null && answer.first !== expected) {
    root.dataset.gaps = Number(root.dataset.gaps) + 1;
    sweeps = [];
  }
  expected = answer.first + answer.samples;
  step = answer.step;
  remember(response, command);
  countSpikes(response, answer.first);
  addSamples(response, command);
  if (answer.test) reading = answer.test;
  if (!settings.test) reading = null;
  pace = [...pace.filter(({ at }) => at > performance.now() - 1500), { at: performance.now(), time: expected * step }];
  root.dataset.samples = Number(root.dataset.samples) + answer.samples;
  root.dataset.updates = Number(root.dataset.updates) + 1;
  root.dataset.seconds = ((Number(root.dataset.samples) * step) / 1000).toFixed(3);
  root.dataset.value = response.at(-1);
  showWaiting(waiting && !sweeps.length ? "Waiting for the trigger" : "");
  showTape(answer);
  drawSoon(since);
}

// Another clamp: nothing of what was shown has the units of what comes.
function begin({ mode }) {
  root.dataset.mode = mode;
  units = mode === "current clamp" ? { response: "mV", command: "pA" } : { response: "pA", command: "mV" };
  [sweeps, waiting, history, spikes, ranges, reading] = [[], null, [], [], {}, null];
  [armed, above] = [false, true];
  relayout();
}

function values(message) {
  const { codes, offset, scale } = decode(message);
  return Float32Array.from(codes, (code) => offset + scale * code);
}

function extremes(signal) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of signal) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

// The range of the screen grows at once, and shrinks when what was large has left the screen.
function remember(response, command) {
  history.push({ end: expected, response: extremes(response), command: extremes(command) });
  const longest = Math.max(1000, length() * 1.1) / step;
  history = history.filter(({ end }) => end > expected - longest);
  for (const name of ["response", "command"]) {
    const low = Math.min(...history.map((part) => part[name].low));
    const high = Math.max(...history.map((part) => part[name].high));
    const least = QUIET[units[name]];
    const span = Math.max(high - low, least);
    const middle = (low + high) / 2;
    const old = ranges[name];
    const fits = old && low >= old.low && high <= old.high && old.high - old.low < 2.2 * span;
    if (fits) continue;
    ranges[name] = outward(middle - 0.56 * span, middle + 0.56 * span);
    relayout();
  }
}

// The next round numbers beyond a range.
function outward(low, high) {
  const rough = (high - low) / 8;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  return { low: Math.floor(low / unit) * unit, high: Math.ceil(high / unit) * unit };
}

function countSpikes(response, first) {
  if (units.response !== "mV") return;
  response.forEach((value, k) => {
    if (armed && value > SPIKE.up) spikes.push(first + k);
    if (value > SPIKE.up) armed = false;
    else if (value < SPIKE.down) armed = true;
  });
  spikes = spikes.filter((index) => index > expected - 1000 / step);
}

// ---------------------------------------------------------------- sweeps

function length() {
  return Number(bar.base.value);
}

function sizeOf() {
  return Math.round(length() / step);
}

function lead() {
  return bar.trigger.value ? Math.round(BEFORE * sizeOf()) : 0;
}

function newSweep() {
  const size = sizeOf();
  sweeps.unshift({ response: new Float32Array(size), command: new Float32Array(size), filled: 0, paths: null });
  const kept = bar.persist.checked ? MOST_SWEEPS : 2;
  if (sweeps.length > kept) sweeps.length = kept;
  return sweeps[0];
}

function addSamples(response, command) {
  let from = 0;
  while (from < response.length) {
    const sweep = sweeps[0];
    if (sweep && sweep.filled < sweep.response.length) from = fill(sweep, response, command, from);
    else if (!bar.trigger.value) newSweep();
    else from = seek(response, command, from);
  }
}

function fill(sweep, response, command, from) {
  const to = Math.min(response.length, from + sweep.response.length - sweep.filled);
  sweep.response.set(response.subarray(from, to), sweep.filled);
  sweep.command.set(command.subarray(from, to), sweep.filled);
  sweep.filled += to - from;
  above = response[to - 1] >= Number(level.value());
  if (sweep.filled === sweep.response.length && bar.persist.checked) relayout();
  return to;
}

// Look for the trigger from a sample on; a sweep begins a little before it.
function seek(response, command, from) {
  const at = Number(level.value());
  waiting ??= { response: new Float32Array(0), command: new Float32Array(0) };
  for (let k = from; k < response.length; k++) {
    const rises = !above && response[k] >= at;
    above = response[k] >= at;
    if (!rises) continue;
    hold(response, command, from, k);
    const { response: early, command: earlyCommand } = waiting;
    waiting = null;
    const sweep = newSweep();
    const missing = lead() - early.length; // right after the start there is less before the trigger than is shown
    sweep.response.fill(NaN, 0, missing);
    sweep.command.fill(NaN, 0, missing);
    sweep.filled = missing;
    fill(sweep, early, earlyCommand, 0);
    return k;
  }
  hold(response, command, from, response.length);
  return response.length;
}

// Keep as many of the last samples as a sweep shows before its trigger.
function hold(response, command, from, to) {
  const tail = (old, fresh) => {
    const joined = new Float32Array(old.length + to - from);
    joined.set(old);
    joined.set(fresh.subarray(from, to), old.length);
    return joined.slice(Math.max(0, joined.length - lead()));
  };
  waiting = { response: tail(waiting.response, response), command: tail(waiting.command, command) };
}

function clearScreen() {
  [sweeps, waiting] = [[], null];
  relayout();
  drawSoon();
}

// ---------------------------------------------------------------- recording to a file

let taping = false;

async function showTape({ recorded, file }) {
  taping = recorded !== null;
  if (taping !== (bar.record.getAttribute("aria-pressed") === "true")) bar.record.setAttribute("aria-pressed", taping);
  write(bar.record.querySelector("span"), taping ? `Stop  ${recorded.toFixed(1)} s` : "Record");
  if (!file) return;
  const parts = [];
  let size = 0;
  for (;;) {
    const piece = await ask("live_file", size);
    if (!piece) break;
    parts.push(Uint8Array.from(atob(piece), (character) => character.charCodeAt(0)));
    size += parts.at(-1).length;
  }
  const link = make("a", { download: "continuous.npz", href: URL.createObjectURL(new Blob(parts)) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
