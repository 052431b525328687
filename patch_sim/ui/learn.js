// Lessons, and a calculator of equilibrium potentials.

const root = element.querySelector(".learn");
const find = (selector) => root.querySelector(selector);
const dash = (text) => text.replaceAll(/-(?=\d)/g, "\u2212"); // a true minus sign

// ---------------------------------------------------------------- lessons

let lessons = []; // each with `seen`, the indices of the steps whose answer was looked at
let lesson = null; // that is open, or null
let at = 0; // the index of its step

function showIndex() {
  find(".index").hidden = lesson !== null;
  find(".lesson").hidden = lesson === null;
  root.dataset.lesson = lesson?.title ?? "";
  find(".lessons").replaceChildren(
    ...lessons.map((one) => {
      const { title, about, steps, seen } = one;
      const done = make(
        "span",
        { class: "done" },
        seen.size === steps.length ? "done" : `${seen.size} / ${steps.length}`,
      );
      const button = make("button", { type: "button", onclick: () => openLesson(one) }, make("b", {}, title), done);
      button.classList.toggle("all", seen.size === steps.length);
      button.append(make("small", {}, about));
      return make("li", {}, button);
    }),
  );
}

function openLesson(one) {
  lesson = one;
  showIndex();
  const next = one.steps.findIndex((_, k) => !one.seen.has(k));
  showStep(Math.max(next, 0));
  find(".lesson h2").focus();
}

function closeLesson() {
  const index = lessons.indexOf(lesson);
  lesson = null;
  showIndex();
  find(".lessons").children[index].firstChild.focus();
}

function showStep(index) {
  at = index;
  const { title, text, question, answer, setups } = lesson.steps[at];
  find(".lesson h2").textContent = lesson.title;
  find("h3").textContent = `${at + 1}. ${title}`;
  find(".text").textContent = dash(text);
  find(".ask").textContent = dash(question);
  find(".answer").textContent = dash(answer);
  find("details").open = false;
  find(".setups").replaceChildren(...setups.map(setupButton));
  find("[name=previous]").disabled = at === 0;
  find("[name=next]").textContent = at + 1 < lesson.steps.length ? "Next" : "Finish";
  root.dataset.step = at;
  showProgress();
}

function setupButton({ label, state }) {
  const button = make(
    "button",
    { type: "button", class: "primary", title: "set up the rig for this, and run it" },
    label,
  );
  button.addEventListener("click", () => {
    change(state);
    emit("run");
    button.classList.add("ran");
    document.querySelector(".scope").scrollIntoView({ block: "nearest" }); // on a phone it is far away
  });
  return button;
}

function showProgress() {
  find(".progress").replaceChildren(
    ...lesson.steps.map(({ title }, k) => {
      const label = `${k + 1} of ${lesson.steps.length}: ${title}${lesson.seen.has(k) ? ", done" : ""}`;
      const button = make("button", { type: "button", title: label, "aria-label": label, onclick: () => showStep(k) });
      button.classList.toggle("done", lesson.seen.has(k));
      if (k === at) button.setAttribute("aria-current", "step");
      return make("li", {}, button);
    }),
  );
}

find("details").addEventListener("toggle", ({ target }) => {
  if (!target.open) return;
  lesson.seen.add(at);
  showProgress();
});
find(".back").addEventListener("click", closeLesson);
find("[name=previous]").addEventListener("click", () => showStep(at - 1));
find("[name=next]").addEventListener("click", () => (at + 1 < lesson.steps.length ? showStep(at + 1) : closeLesson()));

// ---------------------------------------------------------------- calculator

const IONS = { K: "K\u207a", Na: "Na\u207a", Cl: "Cl\u207b", "other ion": "other" };
const COLUMNS = ["inside", "outside", "permeability"];
const cells = find("[name=cells]");
let numbers = {};
const rows = []; // the fields

function fieldOf(spec) {
  const row = numberField(spec, (value) => {
    numbers = { ...numbers, [spec.name]: value };
    calculate();
  });
  row.spec = spec;
  rows.push(row);
  return row;
}

function buildCalculator(specs) {
  const spec = (name) => specs.find((one) => one.name === name);
  find("tbody").replaceChildren(
    ...Object.entries(IONS).map(([ion, label]) => {
      const inputs = COLUMNS.map((part) => spec(`${ion} ${part}`)).map((one) =>
        make("td", {}, one ? fieldOf(one) : ""),
      );
      return make("tr", { "data-ion": ion }, make("th", { scope: "row" }, label), ...inputs, make("td"));
    }),
  );
  find(".free").replaceChildren(fieldOf(spec("other ion valence")), fieldOf(spec("temperature")));
}

async function calculate() {
  const asked = numbers;
  let answer = null;
  let wrong = "";
  try {
    answer = await call("equilibria", asked);
  } catch (error) {
    wrong = error.message;
  }
  if (numbers !== asked) return; // another answer is on its way
  find(".wrong").textContent = wrong;
  for (const line of find("tbody").children) line.lastChild.textContent = millivolts(answer?.nernst[line.dataset.ion]);
  find(".result output").textContent = `${millivolts(answer?.ghk)} mV`;
  if (answer) find(".thermal").textContent = plain(answer.thermal);
}

function begin(cell) {
  numbers = { ...cell };
  for (const row of rows) row.show(numbers[row.spec.name]);
  calculate();
}

const millivolts = (value) => (value === undefined ? "\u2013" : value.toFixed(1).replace("-", "\u2212"));

whenOpen(async () => {
  lessons = (await call("lessons")).map((one) => ({ ...one, seen: new Set() }));
  showIndex();
  const { fields, cells: presets } = await call("calculator");
  buildCalculator(fields);
  cells.append(...Object.keys(presets).map((name) => make("option", { value: name }, name)));
  cells.addEventListener("change", () => begin(presets[cells.value]));
  begin(presets[cells.value]);
});
