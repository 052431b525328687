// Fields for numbers, as fields.py declares them. `scripts=("form.js",)` puts this before a panel's own text.

// A labeled number. `spec` is {name, label, unit, tip, low, high, whole}; `react` is given what was entered, as a number
// or as the text that is none, for the server to name what is wrong with it.
function numberField(spec, react) {
  const input = make("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    name: spec.name,
    "aria-label": spec.unit ? `${spec.label} (${spec.unit})` : spec.label,
  });
  const commit = () => {
    const text = input.value.trim().replace("\u2212", "-").replace(",", ".");
    const number = Number(text);
    react(text === "" || Number.isNaN(number) ? text : number);
  };
  input.addEventListener("change", commit);
  input.addEventListener("keydown", (event) => stepped(event, input, commit));
  const unit = make("span", { class: "unit" }, spec.unit);
  const row = make(
    "label",
    { class: "field", title: spec.tip },
    make("span", { class: "label" }, spec.label),
    input,
    unit,
  );
  row.show = (value) => {
    const text = typeof value === "number" ? plain(value).replace("\u2212", "-") : value; // what is no number stays as it is
    if (document.activeElement !== input || Number(input.value) !== value) input.value = text;
  };
  return row;
}

// The arrow keys change the last digit that is shown; with Shift, ten of it.
function stepped(event, input, commit) {
  const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (!direction) return;
  event.preventDefault();
  const decimals = (input.value.split(".")[1] ?? "").length;
  const step = direction * (event.shiftKey ? 10 : 1) * 10 ** -decimals;
  input.value = (Number(input.value) + step).toFixed(decimals);
  commit();
}

// A slider that moves by factors, from a hundredth of `center` to ten times as much.
function logarithmicSlider(center, label, react) {
  const slider = make("input", { type: "range", min: -2, max: 1, step: 0.01, "aria-label": label });
  slider.addEventListener("input", () => react(Number((center * 10 ** Number(slider.value)).toPrecision(3))));
  slider.addEventListener("dblclick", () => react(center));
  slider.show = (value) => {
    slider.value = value > 0 ? Math.log10(value / center) : -2;
    slider.style.setProperty("--part", `${((Number(slider.value) + 2) / 3) * 100}%`);
  };
  return slider;
}
