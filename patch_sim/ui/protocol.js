// The protocol: its kind, its numbers, and what the command will look like.

const root = element.querySelector(".protocol");
const find = (selector) => root.querySelector(selector);
const select = find("select");
let kinds = [];
let fields = []; // of the kind that is shown
let shown = ""; // that kind
let seen = ""; // what the preview is of

const kindOf = (name) => kinds.find((kind) => kind.name === name);

function build() {
  const kind = kindOf(rig.state.protocol.kind);
  shown = kind.name;
  select.value = kind.name;
  find(".tip").textContent = kind.tip;
  fields = kind.fields.map((spec) => {
    const row = numberField(spec, (value) => setNumber(spec.name, value));
    row.spec = spec;
    return row;
  });
  find(".fields").replaceChildren(...fields);
  find("[name=defaults]").hidden = !fields.length;
}

function setNumber(name, value) {
  const { kind, numbers } = rig.state.protocol;
  change({ ...rig.state, protocol: { kind, numbers: { ...numbers, [name]: value } } }, `protocol.${name}`);
}

function show() {
  if (!kinds.length) return;
  if (rig.state.protocol.kind !== shown) build();
  const { numbers } = rig.state.protocol;
  for (const row of fields) row.show(numbers[row.spec.name] ?? row.spec.default);
  root.dataset.kind = shown;
  look();
}

const look = debounce(async () => {
  const { protocol, electrode } = rig.state;
  const asked = JSON.stringify([protocol, electrode]);
  if (asked === seen) return;
  seen = asked;
  let answer = null;
  find(".wrong").textContent = "";
  try {
    answer = await call("preview", rig.state);
  } catch (error) {
    find(".wrong").textContent = error.message;
    root.dataset.previewed = "";
    return;
  }
  if (seen === asked) draw(answer);
}, 120);

let drawn = null;

function draw(answer) {
  drawn = answer;
  const canvas = find(".preview");
  canvas.hidden = !answer;
  if (!answer) {
    find(".wrong").textContent = "";
    root.dataset.previewed = "none";
    return;
  }
  const pixel = 1 / (window.devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width) return; // in a tab that is not shown
  canvas.width = Math.round(width / pixel);
  canvas.height = Math.round(height / pixel);
  const context = canvas.getContext("2d");
  context.scale(1 / pixel, 1 / pixel);
  const style = getComputedStyle(canvas);
  const color = (name) => style.getPropertyValue(`--scope-${name}`).trim();
  const look = { font: `11px ${style.getPropertyValue("--font-mono")}`, grid: color("grid"), axis: color("axis") };
  const signals = answer.sweeps.map(decode);
  const { duration, unit } = answer;
  const axis = { from: 0, to: duration, start: 0, step: duration / signals[0].codes.length };
  const label = `${unit === "mV" ? "voltage" : "current"} (${unit})`;
  const panel = { left: 58, width: width - 78, top: 6, height: height - 46, ...rangeOf(signals), label };
  drawAxes(context, panel, axis, look, true);
  const colors = sweepColors(color("sweeps"), signals.length);
  signals.forEach((signal, k) => {
    context.strokeStyle = colors[k];
    context.lineWidth = 1.3;
    context.stroke(linePath(signal, axis, panel, pixel));
  });
  root.dataset.previewed = answer.total;
}

select.addEventListener("change", async () => {
  const kind = select.value;
  const numbers = kind === "steps" ? await ask("family", rig.state.cell.base) : {};
  if (numbers) change({ ...rig.state, protocol: { kind, numbers } });
});

find("[name=defaults]").addEventListener("click", () => select.dispatchEvent(new Event("change")));

on("state", show);
on("tab", () => requestAnimationFrame(() => draw(drawn)));
new ResizeObserver(() => drawn && draw(drawn)).observe(root);
new MutationObserver(() => drawn && draw(drawn)).observe(document.body, {
  attributes: true,
  attributeFilter: ["class"],
});
whenOpen(async () => {
  kinds = await call("protocol_kinds");
  const groups = { "Current clamp": "current clamp", "Voltage clamp": "voltage clamp", "Ready made": "ready" };
  for (const [label, mode] of Object.entries(groups)) {
    const options = kinds
      .filter((kind) => kind.mode === mode)
      .map(({ name, label }) => make("option", { value: name }, label));
    select.append(make("optgroup", { label }, ...options));
  }
  show();
});
