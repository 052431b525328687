// The scope. Two canvases lie on each other: `base` has the axes and all sweeps, `top` what follows the pointer.
// This file has what is shown and how it comes; scope_draw.js draws it, scope_input.js is for mouse and keyboard.
//
// The page pulls: whenever there may be something new, poll() asks until it has all sweeps and nothing is at work.
// `data-*` attributes on the root tell tests and style sheets what is shown.

const root = element.querySelector(".scope");
const stage = root.querySelector(".stage");
const base = stage.querySelector(".base");
const top = stage.querySelector(".top");
const notice = root.querySelector(".notice");
const bar = Object.fromEntries([...root.querySelectorAll(".bar [name]")].map((control) => [control.name, control]));

const POLL = 40; // ms between two questions while something is at work

let shown = { revision: 0, sweeps: [] }; // what is drawn
let ghosts = []; // sweeps of former runs that persist
let extra = null; // the further trace, {name, unit, signals}
let overlay = null; // what a model does in these sweeps, {revision, signals}
let view = {}; // {from, to} in ms, and {low, high} by panel; what is not there is all
let selected = null; // the index of a sweep, or null
let cursors = null; // two times (ms), or null
let told = JSON.stringify([null, []]); // error and warnings that the server told last
let asking = false; // whether a poll is on its way
let again = false; // whether there may be more than it will bring

// ---------------------------------------------------------------- fetching

async function poll() {
  if (asking) return void (again = true);
  asking = true;
  try {
    do {
      again = false;
      const { bell, batch } = await call("poll", shown.revision, shown.sweeps.length);
      tell(bell);
      if (batch) receive(bell.revision, batch);
      const lacking = bell.revision !== shown.revision || shown.sweeps.length < bell.ready;
      if (bell.revision && lacking) again = true;
      else if (bell.busy) await new Promise((done) => setTimeout(done, POLL));
      if (bell.busy) again = true;
      else if (!lacking) completed(bell);
    } while (again);
  } catch (error) {
    root.dataset.busy = false;
    showNotice(error.message, true);
  } finally {
    asking = false;
  }
}

function tell(bell) {
  root.dataset.busy = bell.busy;
  bar.run.textContent = bell.busy ? "Stop" : "Run";
  const words = JSON.stringify([bell.error, bell.warnings]);
  if (words === told) return;
  told = words;
  showNotice(bell.error ?? bell.warnings.join("\n"), bell.error !== null);
}

function receive(revision, batch) {
  const sweeps = batch.sweeps.map(({ level, response, command }) => ({
    level,
    response: decode(response),
    command: command && decode(command),
  }));
  if (shown.revision !== revision) begin(revision, batch);
  shown.sweeps.push(...sweeps);
  root.dataset.revision = revision;
  root.dataset.sweeps = shown.sweeps.length;
  root.dataset.total = shown.total;
  root.dataset.samples = shown.samples;
  root.dataset.unit = shown.responseUnit;
  drawSoon(true);
}

// Other traces than before; if they are of the same shape, what was looked at still is.
function begin(revision, batch) {
  const form = ({ responseUnit, start, step, samples, total }) =>
    JSON.stringify([responseUnit, start, step, samples, total]);
  if (form(batch) === form(shown)) {
    if (bar.persist.checked) ghosts.push(...shown.sweeps);
    ghosts = ghosts.slice(-200);
  } else {
    view = {};
    select(null);
    ghosts = [];
    cursors = null;
    bar.cursors.checked = false;
  }
  if (!bar.persist.checked) ghosts = [];
  shown = { ...batch, revision, sweeps: [] };
  root.dataset.complete = false;
}

// All sweeps are there.
function completed({ complete, revision }) {
  if (!complete || root.dataset.complete === "true") return;
  root.dataset.complete = true;
  offerExtras();
  emit("recording", { revision, total: shown.total });
}

// ---------------------------------------------------------------- further traces

async function offerExtras() {
  const found = (await ask("extras")) ?? [];
  const wanted = bar.extra.value;
  bar.extra.replaceChildren(
    make("option", { value: "" }, "no further trace"),
    ...found.map(({ name, unit }) => make("option", { value: name, "data-unit": unit }, name)),
  );
  bar.extra.value = found.some(({ name }) => name === wanted) ? wanted : "";
  showExtra();
}

async function showExtra() {
  const name = bar.extra.value;
  if (!name) {
    extra = null;
    return drawSoon(true);
  }
  const { revision, total } = shown;
  const signals = [];
  while (signals.length < total) {
    const batch = await ask("extra", name, signals.length);
    if (!batch?.length || shown.revision !== revision || bar.extra.value !== name) return;
    signals.push(...batch.map(decode));
  }
  extra = { name, unit: bar.extra.selectedOptions[0].dataset.unit, signals };
  delete view.extra;
  drawSoon(true);
}

bar.extra.addEventListener("change", showExtra);

// ---------------------------------------------------------------- running

let asked = null; // the state of the last run

async function start() {
  asked = rig.state;
  if ((await ask("run", rig.state)) !== undefined) poll();
}

async function run() {
  if (root.dataset.busy !== "true") return start();
  await ask("stop");
  poll();
}

const runAgain = debounce(() => {
  if (rig.state !== asked && bar.auto.checked && !document.body.classList.contains("live")) start();
}, 120);

bar.run.addEventListener("click", run);
bar.all.addEventListener("click", showAll);
bar.open.addEventListener("click", () => document.querySelector("#bench input[type=file]").click());
bar.persist.addEventListener("change", () => {
  ghosts = [];
  drawSoon(true);
});

// A recording that somebody opens stays: what is turned on the rig then does not run over it.
document.querySelector("#bench").addEventListener("change", ({ target }) => {
  if (target.type === "file") bar.auto.checked = false;
});

let ranWith = null; // what was set up when the page opened, or last ran

on("state", () => {
  const text = JSON.stringify(rig.state);
  if (ranWith !== null && text !== ranWith) runAgain();
  ranWith = text;
});
on("run", start);
on("traces", poll);
on("overlay", ({ revision, signals }) => {
  overlay = { revision, signals: signals.map(decode) };
  drawSoon(true);
});
on("notice", ({ text, error }) => showNotice(text, error));
whenOpen(() => rig.broken && showNotice(rig.broken, true));

function showNotice(text, error) {
  notice.hidden = !text;
  notice.classList.toggle("error", Boolean(error));
  notice.querySelector(".text").textContent = text;
  if (text && error) notice.scrollIntoView({ block: "nearest" });
}

notice.querySelector("button").addEventListener("click", () => showNotice("", false));
