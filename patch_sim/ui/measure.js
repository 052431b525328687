// What is measured on the sweeps that the scope shows: a row for each, what they say together, and curves.
// This file has the table and the files; measure_plot.js draws the curves.
//
// `data-*` attributes on the root tell tests what is shown: rows, plot, points, selected, and `measuring`.

const root = element.querySelector(".measure");
const found = root.querySelector(".found");
const body = root.querySelector("tbody");
const skipRow = numberField(
  {
    name: "skip",
    label: "Leave out after the step",
    unit: "ms",
    tip: "the capacitive transient, so that the peak is the channels'",
  },
  (value) => {
    skip = value;
    refresh();
  },
);

let data = null; // what the server has measured
let skip = 0; // ms
let selected = null; // the index of a sweep, or null
let asking = false; // whether an answer is on its way
let again = false; // whether it will be out of date
let stale = true; // whether there may be something new while the tab is not shown

function visible() {
  return root.offsetParent !== null;
}

async function refresh() {
  stale = true;
  if (asking) return void (again = true);
  if (!visible()) return;
  asking = true;
  root.dataset.measuring = true;
  do {
    again = stale = false;
    const answer = await ask("measurements", skip);
    if (answer) show(answer);
  } while (again);
  asking = false;
  root.dataset.measuring = false;
}

function show(answer) {
  data = answer;
  root.querySelector(".empty").hidden = true;
  found.hidden = false;
  const typing = body.contains(document.activeElement);
  showTable();
  showStatistics();
  showNotes();
  skipRow.show(skip);
  root.querySelector(".skip").hidden = data.mode !== "voltage clamp";
  if (selected !== null && selected >= data.rows.length) selected = null;
  mark();
  if (typing) (body.querySelector("[tabindex='0']") ?? root).focus({ preventScroll: true });
  offerPlots();
}

// ---------------------------------------------------------------- table

const DECIMALS = { mV: 1, ms: 2, Hz: 1, pA: 1, MOhm: 1, pF: 1 };

function showTable() {
  const { columns, rows } = data;
  const decimals = columns.map(({ unit }, k) => {
    const values = rows.map((row) => row[k]).filter((value) => typeof value === "number");
    const whole = values.every(Number.isInteger) || values.some((value) => Math.abs(value) >= 1e4);
    return whole ? 0 : (DECIMALS[unit] ?? 2);
  });
  const heads = columns.map(({ label, unit, tip }) =>
    make("th", { scope: "col", title: tip }, label, ...(unit ? [make("small", {}, unit)] : [])),
  );
  root.querySelector("thead").replaceChildren(make("tr", {}, ...heads));
  const colors = scopeColors(rows.length);
  body.replaceChildren(
    ...rows.map((row, sweep) => {
      const dot = make("i", { style: `background: ${colors[sweep]}` });
      const cells = row.slice(1).map((value, k) => make("td", {}, ...cell(value, decimals[k + 1])));
      return make("tr", { tabindex: -1 }, make("th", { scope: "row" }, dot, String(sweep + 1)), ...cells);
    }),
  );
  root.dataset.rows = rows.length;
}

// A number, or a dash that says why there is none.
function cell(value, decimals) {
  if (typeof value === "number") return [number(value, decimals)];
  return [make("span", { class: "none", title: `not measurable: ${value}` }, "\u2013")];
}

// The row of the selected sweep, without asking anybody.
function mark() {
  const rows = [...body.children];
  rows.forEach((row, sweep) => {
    row.setAttribute("aria-selected", sweep === selected);
    row.tabIndex = sweep === (selected ?? 0) ? 0 : -1;
  });
  root.dataset.selected = selected ?? "";
  const row = rows[selected];
  if (!row) return;
  const scroller = root.querySelector(".rows");
  const head = root.querySelector("thead").offsetHeight;
  if (row.offsetTop - head < scroller.scrollTop) scroller.scrollTop = row.offsetTop - head;
  const below = row.offsetTop + row.offsetHeight - scroller.clientHeight;
  if (below > scroller.scrollTop) scroller.scrollTop = below;
}

body.addEventListener("click", ({ target }) => {
  const sweep = [...body.children].indexOf(target.closest("tr"));
  if (sweep < 0) return;
  emit("choose", sweep === selected ? null : sweep);
  body.children[sweep].focus({ preventScroll: true });
});

body.addEventListener("keydown", (event) => {
  const last = body.children.length - 1;
  const at = [...body.children].indexOf(document.activeElement);
  const moves = {
    ArrowUp: Math.max(0, at - 1),
    ArrowDown: Math.min(last, at + 1),
    Home: 0,
    End: last,
    Enter: at,
    " ": at,
  };
  const sweep = event.key === "Escape" ? null : moves[event.key];
  if (sweep === undefined) return;
  event.preventDefault();
  emit("choose", sweep);
  if (sweep !== null) body.children[sweep].focus({ preventScroll: true });
});

on("select", (sweep) => {
  selected = sweep;
  mark();
  drawCurve();
});

// ---------------------------------------------------------------- statistics and notes

function showStatistics() {
  const items = data.statistics.map(({ name, label, tip, value, error, unit }) => {
    const known = typeof value === "number";
    const words = known ? [withError(value, error), make("small", {}, ` ${unit}`)] : cell(value);
    return make("div", { title: tip, "data-name": name }, make("dt", {}, label), make("dd", {}, ...words));
  });
  root.querySelector(".statistics").replaceChildren(...items);
}

// A number to two digits of its error, with the error.
function withError(value, error) {
  if (!error || error < 1e-4 * Math.abs(value)) return plain(value);
  const decimals = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(error))));
  return `${number(value, decimals)} \u00b1 ${number(error, decimals)}`;
}

function showNotes() {
  const { notes } = data;
  const list = root.querySelector(".notes");
  list.hidden = !notes.length;
  list.querySelector("summary").textContent = `${notes.length} ${notes.length === 1 ? "note" : "notes"}`;
  list.querySelector("ul").replaceChildren(...notes.map((note) => make("li", {}, note)));
}

// ---------------------------------------------------------------- files

for (const button of root.querySelectorAll(".save button")) {
  const { what, suffix } = button.dataset;
  button.setAttribute("aria-label", `Save ${what} as ${suffix.toUpperCase()}`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.classList.add("busy");
    const file = await ask("save", skip, what, suffix);
    button.classList.remove("busy");
    button.disabled = false;
    if (file) download(file.name, file.data, true);
  });
}

root.querySelector(".skip").append(skipRow);
on("recording", refresh);
on("tab", () => requestAnimationFrame(() => (stale ? refresh() : drawCurve())));
whenOpen(refresh);
