// How the continuous scope is used, by mouse and keyboard.

const BASES = [50, 100, 200, 500, 1000, 2000, 5000]; // ms across the screen
const LEVELS = { mV: -20, pA: 0 };

const fields = {}; // by name
let span = 300; // pA: how far the slider of the holding current goes
let was = ""; // what was set up when the sweeps were left
const levels = { ...LEVELS };

const LEVEL = { name: "level", label: "Trigger level", unit: "mV", tip: "a rise through it starts a sweep" };
const level = numberField(LEVEL, (value) => {
  if (typeof value === "number") levels[units.response] = value;
  level.show(levels[units.response]);
  clearScreen();
});
level.value = () => levels[units.response];

const slider = make("input", { type: "range", step: "any", "aria-label": "Holding", oninput: slid });
root.querySelector(".level").append(level);

// ---------------------------------------------------------------- sweeps or continuous

async function choose(live) {
  if (live === document.body.classList.contains("live")) return;
  document.body.classList.toggle("live", live);
  bar.continuous.setAttribute("aria-checked", live);
  bar.sweeps.setAttribute("aria-checked", !live);
  [bar.sweeps.tabIndex, bar.continuous.tabIndex] = live ? [-1, 0] : [0, -1];
  if (live) {
    was = JSON.stringify(rig.state);
    root.focus({ preventScroll: true });
    start();
  } else {
    if (taping) await stopTape();
    pause();
    if (was !== JSON.stringify(rig.state)) emit("run");
  }
}

bar.sweeps.addEventListener("click", () => choose(false));
bar.continuous.addEventListener("click", () => choose(true));
arrows(root.querySelector(".strip"));
arrows(root.querySelector(".clamp"));

// The arrow keys move within a group of radio buttons.
function arrows(group) {
  group.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const other = [...group.querySelectorAll("[role=radio]")].find((radio) => radio !== document.activeElement);
    other.click();
    other.focus();
  });
}

// ---------------------------------------------------------------- what is asked for

function showState() {
  root.dataset.running = running;
  bar.start.textContent = running ? "Pause" : "Start";
  bar.record.disabled = !running;
  bar.pulse.disabled = !running;
}

function shownCell({ title, span: wide, warnings }) {
  root.querySelector(".title").replaceChildren(title, make("small", {}, `${settings.mode} \u00b7 ${1 / step} kHz`));
  span = wide;
  showNotice(warnings.join("\n"), false);
  showHolding();
}

function clamp(mode) {
  if (mode === settings.mode) return;
  settings = { ...settings, mode };
  showClamp();
  want({ set: true });
}

function showClamp() {
  const current = settings.mode === "current clamp";
  bar.cc.setAttribute("aria-checked", current);
  bar.vc.setAttribute("aria-checked", !current);
  [bar.cc.tabIndex, bar.vc.tabIndex] = current ? [0, -1] : [-1, 0];
  root.querySelector(".test").hidden = current;
  fields.holding_current.hidden = fields.pulse_current.hidden = !current;
  fields.holding_potential.hidden = fields.pulse_potential.hidden = current;
  level.querySelector(".unit").textContent = current ? "mV" : "pA";
  level.show(levels[current ? "mV" : "pA"]);
  showHolding();
}

function holdingName() {
  return settings.mode === "current clamp" ? "holding_current" : "holding_potential";
}

function showHolding() {
  const [low, high] = settings.mode === "current clamp" ? [-span, span] : [-120, 60];
  const value = settings.numbers[holdingName()];
  Object.assign(slider, { min: low, max: high, value });
  slider.setAttribute("aria-label", `Holding (${units.command})`);
  slider.style.setProperty("--part", `${((Math.max(low, Math.min(high, value)) - low) / (high - low)) * 100}%`);
}

function slid() {
  const rough = settings.mode === "current clamp" ? Math.max(1, 10 ** Math.floor(Math.log10(span / 100))) : 0.5;
  setNumber(holdingName(), Number((Math.round(Number(slider.value) / rough) * rough).toPrecision(6)));
}

// A number that is none is for the server to name; what was good stays.
function setNumber(name, value) {
  const { low, high, label, unit } = fields[name].spec;
  if (typeof value !== "number" || value < low || value > high) {
    const what = value === "" ? "nothing" : value;
    showNotice(`${label}: ${what} is not a number from ${plain(low)} to ${plain(high)} ${unit}.`, true);
  } else {
    settings = { ...settings, numbers: { ...settings.numbers, [name]: value } };
    if (name.startsWith("holding")) want({ set: true });
  }
  fields[name].show(settings.numbers[name]);
  showHolding();
}

function pulse() {
  if (!running) return;
  const { numbers } = settings;
  want({ pulse: numbers });
}

// The tape ends with an answer, which may have to be asked for.
async function stopTape() {
  const answer = await ask("pull", { ...request(), record: false });
  if (answer) inOrder(answer, null);
}

function record() {
  if (running) want({ record: !taping });
}

const TIMES = (ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);
bar.base.replaceChildren(...BASES.map((ms) => make("option", { value: ms }, TIMES(ms))));
bar.base.value = 500;
bar.start.addEventListener("click", () => (running ? pause() : start()));
bar.record.addEventListener("click", record);
bar.base.addEventListener("change", clearScreen);
bar.persist.addEventListener("change", clearScreen);
bar.speed.addEventListener("change", () => (pace = []));
bar.trigger.addEventListener("change", () => {
  root.querySelector(".level").hidden = !bar.trigger.value;
  clearScreen();
});
bar.cc.addEventListener("click", () => clamp("current clamp"));
bar.vc.addEventListener("click", () => clamp("voltage clamp"));
bar.test.addEventListener("change", () => {
  settings = { ...settings, test: bar.test.checked };
  want({ set: true });
});

const KEYS = { " ": () => (running ? pause() : start()), p: pulse };

document.addEventListener("keydown", (event) => {
  const here = document.activeElement === document.body || root === document.activeElement;
  if (!here || event.ctrlKey || event.metaKey || event.altKey || !document.body.classList.contains("live")) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

on("state", () => want({ set: true }));
on("notice", ({ text, error }) => showNotice(text, error));

whenOpen(async () => {
  const { fields: specs, speeds, longest } = await call("live_controls");
  bar.speed.replaceChildren(...speeds.map((speed) => make("option", { value: speed }, `${speed}\u00d7`)));
  bar.speed.value = 1;
  bar.record.title = `record to a file (npz), at most ${longest / 60} minutes of the cell's time`;
  for (const spec of specs) {
    settings.numbers[spec.name] = spec.default;
    fields[spec.name] = Object.assign(
      numberField(spec, (value) => setNumber(spec.name, value)),
      { spec },
    );
    fields[spec.name].show(spec.default);
  }
  bar.pulse = make("button", { type: "button", name: "pulse", title: "give one pulse (P)", onclick: pulse }, "Pulse");
  root.querySelector(".holding").append(slider, fields.holding_current, fields.holding_potential);
  root.querySelector(".pulse").append(bar.pulse, fields.pulse_current, fields.pulse_potential, fields.pulse_duration);
  showClamp();
  showState();
  bar.continuous.disabled = false;
});
