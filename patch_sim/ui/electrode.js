// The electrode: its numbers, and three ways to begin.

const root = element.querySelector(".electrode");
const TYPICAL = { series_resistance: 10, pipette_capacitance: 5, seal: 0.5, noise: 0.2, filter: 5 };
const COMPENSATED = { ...TYPICAL, bridge: 10, neutralization: 4, correction: 70 };
let fields = [];

function set(electrode, name) {
  change({ ...rig.state, electrode }, name);
}

function show() {
  for (const row of fields) row.show(rig.state.electrode[row.spec.name] ?? row.spec.default);
}

async function setNumber(spec, value) {
  const { [spec.name]: _, ...electrode } = rig.state.electrode;
  if (value !== spec.default) electrode[spec.name] = value;
  const good = await ask("check", { ...rig.state, electrode });
  if (good) set(good.electrode, `electrode.${spec.name}`);
  else show();
}

for (const [name, numbers] of Object.entries({ ideal: {}, typical: TYPICAL, compensated: COMPENSATED })) {
  root.querySelector(`[name=${name}]`).addEventListener("click", () => set(numbers));
}

on("state", show);
whenOpen(async () => {
  fields = (await call("electrode_fields")).map((spec) => {
    const row = numberField(spec, (value) => setNumber(spec, value));
    row.spec = spec;
    return row;
  });
  root.querySelector(".fields").replaceChildren(...fields);
  show();
});
