// The rack of channels: a row for each, with a switch, a slider of its conductance and a number; and the membrane.

const root = element.querySelector(".rack");
const find = (selector) => root.querySelector(selector);
const rows = find(".channels");
let view = null; // of the cell without the changes of numbers, as Cell.view() says
let shownAs = ""; // the structure that `view` is of
let updates = []; // what shows a number, to be called with the cell

const structure = ({ base, added, pool }) => JSON.stringify([base, added, pool]);
const valueOf = ({ path, value }) => rig.state.cell.numbers[path] ?? value;

function changeCell(part, name) {
  change({ ...rig.state, cell: { ...rig.state.cell, ...part } }, name);
}

// ---------------------------------------------------------------- numbers

async function setNumber(spec, value) {
  const numbers = { ...rig.state.cell.numbers };
  if (value === spec.value) delete numbers[spec.path];
  else numbers[spec.path] = value;
  const good = typeof value === "number" && (spec.low === null || value >= spec.low);
  if (!good) {
    const limit = spec.low === null ? "" : ` of at least ${plain(spec.low)}`;
    emit("notice", { text: `${spec.label}: a number${limit} is wanted, not "${value}".`, error: true });
    return show();
  }
  changeCell({ numbers }, spec.path);
}

function numberOf(spec) {
  const row = numberField({ ...spec, name: spec.path, tip: spec.path }, (value) => setNumber(spec, value));
  updates.push(() => row.show(valueOf(spec)));
  return row;
}

// ---------------------------------------------------------------- channels

function channelRow(channel) {
  const { name, size } = channel;
  const on = make("input", {
    type: "checkbox",
    role: "switch",
    "aria-label": `${name} on`,
    onchange: () => flip(name),
  });
  const title = `${channel.class}: ${channel.source}`;
  const open = make("button", { type: "button", class: "name", title, "aria-expanded": "false" }, name);
  const slider = logarithmicSlider(size.value || 1, `${name} ${size.label} (${size.unit})`, (x) => setNumber(size, x));
  const number = numberField({ ...size, name: size.path, label: name, tip: size.path }, (x) => setNumber(size, x));
  const whole = make("span", { class: "whole", title: "of the whole cell" });
  const line = make("div", { class: "line" }, on, open, slider, number, whole);
  const row = make("div", { class: "channel", "data-channel": name }, line);
  updates.push(({ numbers, off }) => {
    const value = valueOf(size);
    on.checked = !off.includes(name);
    row.classList.toggle("off", !on.checked);
    row.classList.toggle("changed", size.path in numbers);
    slider.show(value);
    number.show(value);
    const area = valueOf(view.membrane.find(({ path }) => path === "area"));
    whole.textContent = `${plain(value * channel.wholeCell.perArea * area)} ${channel.wholeCell.unit}`;
  });
  open.addEventListener("click", () => toggleDetails(channel, row, open));
  return row;
}

function flip(name) {
  const { off } = rig.state.cell;
  changeCell({ off: off.includes(name) ? off.filter((other) => other !== name) : [...off, name] });
}

async function toggleDetails(channel, row, button) {
  const shown = row.querySelector(".details");
  button.setAttribute("aria-expanded", String(!shown));
  if (shown) return shown.remove();
  const canvas = make("canvas", { class: "curves", role: "img", "aria-label": `Steady states of ${channel.name}` });
  const numbers = make("div", { class: "fields" }, ...channel.numbers.map(numberOf));
  const about = make("p", { class: "source" }, `${channel.class} \u00b7 ${channel.formula} \u00b7 ${channel.source}`);
  const details = make("div", { class: "details" }, about, canvas, numbers);
  if (channel.added) {
    const remove = () => {
      const { [channel.name]: _, ...added } = rig.state.cell.added;
      const numbers = Object.entries(rig.state.cell.numbers).filter(
        ([path]) => !path.startsWith(`channels.${channel.name}.`),
      );
      const off = rig.state.cell.off.filter((name) => name !== channel.name);
      changeCell({ added, off, numbers: Object.fromEntries(numbers) });
    };
    details.append(make("button", { type: "button", class: "remove", onclick: remove }, "Remove this channel"));
  }
  row.append(details);
  show();
  canvas.redraw = async () => drawCurves(canvas, await ask("curves", rig.state.cell, channel.name));
  canvas.redraw();
}

const redrawCurves = debounce(() => root.querySelectorAll("canvas.curves").forEach((canvas) => canvas.redraw?.()), 200);

function addChannel(kind) {
  const taken = view.channels.map(({ name }) => name);
  let name = kind;
  for (let k = 2; taken.includes(name); k++) name = `${kind}${k}`;
  changeCell({ added: { ...rig.state.cell.added, [name]: kind } });
}

// ---------------------------------------------------------------- showing

async function showCell() {
  const { cell } = rig.state;
  if (structure(cell) !== shownAs) {
    shownAs = structure(cell);
    const next = await ask("view_cell", cell);
    if (!next) shownAs = ""; // so that the next change asks again
    if (!next || structure(rig.state.cell) !== shownAs) return;
    view = next;
    build();
  }
  show();
}

function build() {
  updates = [];
  find(".about").textContent = view.about;
  rows.replaceChildren(...view.channels.map(channelRow));
  find(".membrane .fields").replaceChildren(...view.membrane.map(numberOf));
  find(".warnings").replaceChildren(...view.warnings.map((text) => make("li", {}, text)));
  root.dataset.cell = rig.state.cell.base;
  root.dataset.channels = view.channels.length;
}

function show() {
  if (!view) return;
  const { cell } = rig.state;
  find("select[name=base]").value = cell.base;
  find("input[name=pool]").checked = cell.pool || view.membrane.some(({ path }) => path === "calcium.decay");
  find("input[name=pool]").disabled = find("input[name=pool]").checked && !cell.pool;
  for (const update of updates) update(cell);
  redrawCurves();
}

// ---------------------------------------------------------------- files

function save() {
  download(`${rig.state.cell.base}.rig.json`, JSON.stringify(rig.state, null, 1));
}

async function load(file) {
  const text = await file.text();
  const state = await ask("check", text.slice(0, 1_000_000));
  if (state) change(state);
}

// ---------------------------------------------------------------- listening

find("select[name=base]").addEventListener("change", async (event) => {
  const state = await ask("preset", event.target.value);
  if (!state) return;
  const steps = rig.state.protocol.kind === "steps";
  change(steps ? { ...state, electrode: rig.state.electrode } : { ...rig.state, cell: state.cell });
});
find("select[name=add]").addEventListener("change", ({ target }) => {
  if (target.value) addChannel(target.value);
  target.value = "";
});
find("input[name=pool]").addEventListener("change", ({ target }) => changeCell({ pool: target.checked }));
find("[name=reset]").addEventListener("click", () => changeCell({ added: {}, off: [], pool: false, numbers: {} }));
find("[name=save]").addEventListener("click", save);
find("[name=load]").addEventListener("click", () => find("[name=file]").click());
find("[name=file]").addEventListener("change", ({ target }) => {
  if (target.files.length) load(target.files[0]);
  target.value = "";
});

on("state", showCell);
whenOpen(async () => {
  const { cells, channels } = await call("choices");
  find("select[name=base]").append(...cells.map(([name, label]) => make("option", { value: name }, label)));
  find("select[name=add]").append(
    make("option", { value: "" }, "a channel\u2026"),
    ...channels.map(({ class: kind, about }) => make("option", { value: kind }, `${kind}: ${about}`)),
  );
  showCell();
});
