// The fit: what to fit of what the scope shows, where the search is, and what it has found.
//
// While a fit is at work the page asks where it is, POLL ms after each answer, and fetches what the best model predicts
// whenever that is better than what the scope draws over the data: one answer after the other, so nothing piles up.

const root = element.querySelector(".fit");
const find = (selector) => root.querySelector(selector);
const model = find("select[name=model]");
const sweeps = find("select[name=sweeps]");
const loss = find("select[name=loss]");
const fitButton = find("[name=fit]");

const POLL = 250; // ms between two questions

let view = null; // what can be chosen, as choices() says
const wanted = {}; // by model and path what was changed of a parameter: {free, low, high}
const entered = {}; // the numbers that were changed
let chosenLoss = null; // if somebody chose; else what suits the recording
let openFor = ""; // the model and the clamp whose groups are shown
let drawn = 0; // which of the fit's models is drawn over the data
let history = []; // [seconds, loss]
let polling = false;
let chosenModel = ""; // by the person

// ---------------------------------------------------------------- choosing

const look = debounce(async () => {
  if (!rig.state || !root.offsetParent) return;
  const next = await ask("choices", rig.state, chosenModel);
  if (!next) return;
  const another = view?.revision !== next.revision;
  view = next.reason ? null : next;
  find(".setting").hidden = !view;
  find(".empty").hidden = Boolean(view);
  if (next.reason) find(".empty").textContent = next.reason;
  fitButton.disabled = !view;
  if (!view) return;
  if (another) {
    chosenLoss = null;
    for (const name of ["from", "to", "leave_out"]) delete entered[name];
  }
  showChoices();
}, 60);

function showChoices() {
  const facts = view.read.facts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);
  find(".read").replaceChildren(...facts);
  find(".wrong").replaceChildren(...view.read.warnings.map((text) => make("li", {}, text)));
  model.replaceChildren(
    ...view.models.map(({ name, label, tip, usable }) =>
      make("option", { value: name, title: tip, disabled: !usable }, label),
    ),
  );
  model.value = view.model;
  find(".tip").textContent = view.models.find(({ name }) => name === view.model).tip;
  loss.replaceChildren(...view.losses.map(([name, label]) => make("option", { value: name }, label)));
  loss.value = chosenLoss ?? view.loss;
  if (view.sweeps < 2) sweeps.value = "all";
  sweeps.disabled = view.sweeps < 2;
  showFree();
  showNumbers();
}

// What is free is by group; a group opens if something in it is free, unless the list is long.
function showFree() {
  const open = new Map([...root.querySelectorAll(".free details")].map((one) => [one.dataset.group, one.open]));
  const subject = view.model + view.read.facts[0][1];
  if (subject !== openFor) open.clear();
  openFor = subject;
  const groups = Map.groupBy(view.rows, ({ group }) => group);
  const made = [...groups].map(([group, rows]) => {
    const box = make("details", { "data-group": group }, make("summary", {}, group, make("small", {})));
    box.append(make("div", { class: "heads" }, make("i"), make("span", {}, "from"), make("span", {}, "to")));
    box.append(...rows.map((row) => parameter(row, () => count(box, rows))));
    box.open = open.get(group) ?? (rows.length < 12 && rows.some((row) => choice(row).free));
    count(box, rows);
    return box;
  });
  find(".free").replaceChildren(...made);
}

function choice(row) {
  return { free: row.free, low: null, high: null, ...wanted[view.model]?.[row.path] };
}

function count(box, rows) {
  const free = rows.filter((row) => choice(row).free).length;
  box.querySelector("summary small").textContent = free ? `${free} of ${rows.length} free` : "fixed";
}

function parameter(row, react) {
  const now = choice(row);
  const set = (part) => {
    (wanted[view.model] ??= {})[row.path] = { ...choice(row), ...part };
    react();
  };
  const box = make("input", { type: "checkbox", checked: now.free, name: row.path });
  const name = make("label", { title: row.path }, box, make("span", {}, row.label));
  const line = make("div", { class: "row" }, name, bound(row, "low", set), bound(row, "high", set));
  line.append(make("span", { class: "unit", title: row.unit }, row.unit));
  line.classList.toggle("fixed", !now.free);
  box.addEventListener("change", () => {
    line.classList.toggle("fixed", !box.checked);
    set({ free: box.checked });
  });
  return line;
}

// A bound; emptied, it is the default again. What is no number the server names when it is asked to fit.
function bound(row, side, set) {
  const text = (value) => plain(value).replace("\u2212", "-");
  const now = choice(row)[side];
  const words = side === "low" ? "lower bound" : "upper bound";
  const unit = row.unit ? ` (${row.unit})` : "";
  const input = make("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    "aria-label": `${row.label}, ${words}${unit}`,
  });
  input.title = `${words}${unit}; empty for the default, ${plain(row[side])}`;
  input.name = `${row.path}.${side}`;
  input.value = typeof now === "string" ? now : text(now ?? row[side]);
  input.classList.toggle("changed", now !== null);
  input.addEventListener("change", () => {
    const typed = input.value.trim().replace("\u2212", "-").replace(",", ".");
    const value =
      typed === "" || typed === text(row[side]) ? null : Number.isNaN(Number(typed)) ? typed : Number(typed);
    if (value === null) input.value = text(row[side]);
    input.classList.toggle("changed", value !== null);
    set({ [side]: value });
  });
  return input;
}

function showNumbers() {
  const events = loss.value === "events";
  const unused = events
    ? ["starts", "leave_out"]
    : ["from", "to", ...(view.read.facts[0][1] === "voltage clamp" ? [] : ["leave_out"])];
  const budgets = Object.fromEntries(view.losses.map(([name, , seconds]) => [name, seconds]));
  const fields = view.fields.filter(({ name }) => !unused.includes(name));
  find(".numbers .fields").replaceChildren(
    ...fields.map((spec) => {
      const standard = spec.name === "budget" ? budgets[loss.value] : spec.default;
      const row = numberField(spec, (value) => (entered[spec.name] = value));
      row.show(entered[spec.name] ?? standard);
      return row;
    }),
  );
}

// ---------------------------------------------------------------- fitting

async function begin() {
  const free = view.rows
    .filter((row) => choice(row).free)
    .map((row) => [row.path, [choice(row).low, choice(row).high]]);
  const numbers = Object.fromEntries(view.fields.map((spec) => [spec.name, entered[spec.name] ?? spec.default]));
  if (!("budget" in entered)) numbers.budget = view.losses.find(([name]) => name === loss.value)[2];
  const request = {
    model: model.value,
    free: Object.fromEntries(free),
    sweeps: sweeps.value,
    loss: loss.value,
    numbers,
  };
  const state = await ask("begin", rig.state, request);
  if (!state) return;
  drawn = 0;
  history = [];
  find(".found").hidden = true;
  find(".losses polyline").setAttribute("points", "");
  show(state);
  find(".running").scrollIntoView({ block: "nearest" });
  poll();
}

async function poll() {
  if (polling) return;
  polling = true;
  try {
    for (let state; !state || isBusy(state);) {
      state = await call("poll");
      show(state);
      await draw(state);
      if (isBusy(state)) await new Promise((done) => setTimeout(done, POLL));
      else ended(state);
    }
  } catch (error) {
    emit("notice", { text: error.message, error: true });
  } finally {
    polling = false;
  }
}

const isBusy = ({ phase }) => !["none", "done"].includes(phase);

// Does not hold up the questions: the first prediction takes seconds to compile.
let drawing = null;

async function draw({ improved }) {
  if (!(improved > drawn) || drawing) return;
  drawing = (async () => {
    const got = await ask("overlay", drawn);
    if (got) {
      drawn = got.improved;
      root.dataset.drawn = drawn;
      emit("overlay", got);
    }
    drawing = null;
  })();
}

function show(state) {
  const { phase, said, ahead, seconds, budget } = state;
  const busy = isBusy(state);
  root.dataset.phase = phase;
  root.dataset.loss = state.loss ?? "";
  find(".running").hidden = phase === "none" || (phase === "done" && state.loss === null);
  find("[name=stop]").hidden = !busy || phase === "checking";
  find("[name=stop]").disabled = state.stopping;
  fitButton.hidden = busy;
  find(".setting").toggleAttribute("inert", busy);
  const part = phase === "done" ? 1 : Math.min(1, seconds / budget);
  find(".meter i").style.width = `${100 * part}%`;
  find(".meter").setAttribute("aria-valuenow", Math.round(100 * part));
  const waits = ahead
    ? `${ahead} ${ahead === 1 ? "fit waits" : "fits wait"} before this one`
    : "waiting until another fit is done";
  const stopping = "stopping; compilation cannot be interrupted";
  const text =
    phase === "waiting" ? waits : phase === "done" ? "done" : state.stopping && phase === "fitting" ? stopping : said;
  find(".said").textContent = text;
  find(".clock").textContent = phase === "fitting" ? `${plain(seconds)} of ${plain(budget)} s` : `${plain(seconds)} s`;
  find(".loss").textContent = state.loss === null ? "" : `loss ${plain(state.loss)} ${state.unit}`;
  if (phase === "fitting" && state.loss) {
    history.push([seconds, state.loss]);
    drawLosses();
  }
}

// The loss over time, on a log scale.
function drawLosses() {
  const logs = history.map(([, value]) => Math.log(value));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const [from, to] = [history[0][0], Math.max(history.at(-1)[0], history[0][0] + 1)];
  const x = (time) => (300 * (time - from)) / (to - from);
  const y = (log) => 44 - (40 * (log - low)) / Math.max(high - low, 1e-9);
  const points = history.map(([time], k) => `${x(time).toFixed(1)},${y(logs[k]).toFixed(1)}`);
  find(".losses polyline").setAttribute("points", points.join(" "));
}

async function ended(state) {
  await drawing;
  await draw(state);
  if (state.error) emit("notice", { text: state.error, error: true });
  if (!state.found) return;
  const found = await ask("result");
  if (found) showFound(found);
}

// ---------------------------------------------------------------- what was found

function showFound(found) {
  const box = find(".found");
  box.replaceChildren(
    make("p", { class: "small" }, `${found.loss}; ${plain(found.seconds)} s.`),
    ...(found.counts ? [counts(found.counts)] : []),
    ...(found.predictions ? [make("p", { class: "small predictions" }, found.predictions)] : []),
    estimates(found),
    ...words(
      "What the data cannot tell",
      found.directions.map((text) => ["", text]),
    ),
    ...words(
      "Before you believe it",
      found.warnings.map((text) => ["", text]),
    ),
    ...words("Certificate", (found.certificate ?? []).map(checked)),
    buttons(found),
  );
  box.hidden = false;
}

function table(heads, rows) {
  const line = (cells, tag) => cells.map((cell) => (cell instanceof Node ? cell : make(tag, {}, cell)));
  const body = rows.map(({ kind, cells, title }) => make("tr", { class: kind, title }, ...line(cells, "td")));
  const head = make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text))));
  return make("div", { class: "scroll", tabindex: 0 }, make("table", {}, head, make("tbody", {}, ...body)));
}

function estimates({ rows, errors }) {
  const said = { bound: "at bound", lost: "not determined", "": "" };
  const lines = rows.map((row) => {
    const error = row.at
      ? said[row.at]
      : row.error === null
        ? "\u2013"
        : `\u00b1${plain(Number(row.error.toPrecision(2)))}`;
    const unit = make("td", { class: "unit" }, row.unit);
    const title = `${row.path}, between ${plain(row.low)} and ${plain(row.high)} ${row.unit}`;
    return { kind: row.at, title, cells: [row.label, plain(row.value), error, unit] };
  });
  return table(["parameter", "value", errors, ""], lines);
}

function counts(rows) {
  const lines = rows.map(({ sweep, recorded, model, latency, leftOut }) => ({
    kind: leftOut ? "out" : "",
    cells: [
      `${sweep}${leftOut ? " \u2020" : ""}`,
      String(recorded),
      String(model),
      latency === null ? "" : `${plain(Number(latency.toFixed(1)))} ms`,
    ],
  }));
  return table(["sweep", "spikes recorded", "model", "first spike late by"], lines);
}

function checked({ name, passed, said }) {
  const [kind, mark] = passed === null ? ["told", "\u2013"] : passed ? ["passed", "\u2713"] : ["failed", "\u2717"];
  return [kind, `${mark} ${name}: ${said}`];
}

function words(title, items) {
  if (!items.length) return [];
  const list = make("ul", { class: "words" }, ...items.map(([kind, text]) => make("li", { class: kind }, text)));
  return [make("div", {}, make("h3", {}, title), list)];
}

function buttons({ applicable, certificate }) {
  const why = applicable
    ? "the numbers go into the cell on the left"
    : "a model of its own: it has no place in the rig";
  const button = (name, words, title, act, off) =>
    make(
      "button",
      { type: "button", name, title, disabled: Boolean(off), onclick: ({ currentTarget }) => once(currentTarget, act) },
      words,
    );
  return make(
    "div",
    { class: "buttons" },
    button("apply", "Apply to the rig", why, apply, !applicable),
    button("certify", "Certificate", "check solver, starts, bounds, residuals and predictions", certify, certificate),
    button("report", "Download report", "one HTML file with all of this and figures", async () =>
      save("fit.html", await ask("report")),
    ),
    button("save", "Save", "for fitting.load in Python", async () => save("fit.json", await ask("save"))),
  );
}

// A button that waits for what it has begun.
async function once(button, act) {
  button.disabled = true;
  await act();
  button.disabled = false;
}

function save(name, text) {
  if (text) download(name, text);
}

async function apply() {
  const found = await ask("apply", rig.state);
  if (!found) return;
  change(found.state);
  if (found.unknown.length)
    emit("notice", { text: `The rig has no number for: ${found.unknown.join(", ")}.`, error: false });
}

async function certify() {
  const state = await ask("certify");
  if (!state) return;
  show(state);
  await poll();
}

// ---------------------------------------------------------------- listening

model.addEventListener("change", () => {
  chosenModel = model.value;
  fitButton.disabled = true; // until it is known what is free of it
  look();
});
loss.addEventListener("change", () => {
  chosenLoss = loss.value;
  showNumbers();
});
fitButton.addEventListener("click", begin);
find("[name=stop]").addEventListener("click", async () => {
  find("[name=stop]").disabled = true;
  await ask("stop");
});
on("recording", look);
on("state", look);
on("tab", look);
whenOpen(look);
