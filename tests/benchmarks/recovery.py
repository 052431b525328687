"""Whether stated 95 % intervals hold the truth: random cells are recorded, fitted, and compared.

Each cell has 3 to 8 of the published channels with drawn conductances, recorded in voltage clamp with 5 pA of white
noise through a series resistance of 5 to 15 MOhm that is as unknown as the conductances. Each fit starts up to a
factor of 2 from the truth: this asks about the intervals, not about the search. What was found also
predicts a protocol that was not fitted, ramps from the holding potential to 50 mV and back to -120 mV.

uv run python tests/benchmarks/recovery.py [--cells 20] [--repeats 2] [--seed 0]
"""

import argparse

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import fitting
import patch_sim as ps

jax.config.update("jax_enable_x64", True)

ALWAYS = ("Leak", "Na", "K")
OTHERS = ("Ih", "KA", "NaP", "M", "Kir", "CaL")
AREA = 1000.0  # um2, 10 pF
NOISE = 5.0  # pA
RS = "electrode.series_resistance"
HOLDING = -90.0  # mV
LEVELS = np.arange(-110.0, 50.0, 20.0)


UNSEEN = ps.Ramp(140.0, 10.0, 60.0) + ps.Ramp(-170.0, 70.0, 40.0, offset=140.0)


def draw_cell(rng: np.random.Generator) -> tuple[ps.Neuron, float]:
    """A cell of 3 to 8 channels, 2 to 40 nS each, its leak a tenth of that, and a series resistance in MOhm."""
    extra = rng.choice(OTHERS, size=rng.integers(0, 6), replace=False)
    channels = {}
    for name in (*ALWAYS, *sorted(extra)):
        nanosiemens = float(np.exp(rng.uniform(np.log(2.0), np.log(40.0)))) * (0.1 if name == "Leak" else 1.0)
        g_max = nanosiemens / float(ps.units.whole_cell_conductance(1.0, AREA))
        channels[name] = getattr(ps.channels, name)(g_max=g_max)
    return ps.Neuron(channels, area=AREA, temperature=20.0), float(rng.uniform(5.0, 15.0))


def record(cell: ps.Neuron, resistance: float, rng: np.random.Generator) -> ps.Recording:
    """A family of steps, seen with noise, with an electrode of which nothing is known."""
    stimulus = ps.Step((LEVELS - HOLDING).tolist(), 20.0, 60.0) + ps.Step(-50.0 - HOLDING, 80.0, 30.0)
    electrode = ps.Electrode(series_resistance=resistance)
    clean = ps.simulate(cell, ps.VoltageClamp(stimulus, holding=HOLDING, duration=110.0, dt=0.1, electrode=electrode))
    noisy = clean.current + jnp.asarray(NOISE * rng.normal(size=clean.current.shape))
    seen = eqx.tree_at(lambda rec: rec.current, clean, noisy)
    return eqx.tree_at(lambda rec: rec._electrode, seen, ps.Electrode(), is_leaf=lambda x: x is None)


def unseen(cell: ps.Neuron, electrode: ps.Electrode) -> np.ndarray:
    """What flows in the protocol that was not fitted, without noise, pA."""
    clamp = ps.VoltageClamp(UNSEEN, holding=HOLDING, duration=120.0, dt=0.1, electrode=electrode)
    return np.asarray(ps.simulate(cell, clamp, save=("current",)).current)


def recover(cell: ps.Neuron, resistance: float, recording: ps.Recording, rng: np.random.Generator) -> list[tuple]:
    """Fit; of each parameter name, truth, estimate, standard error; loss and prediction error over the noise."""
    names = ps.match(cell, "channels.*.g_max")
    truth = {name: float(ps.parameters(cell)[name]) for name in names}
    near = {name: value * float(np.exp(rng.uniform(-np.log(2.0), np.log(2.0)))) for name, value in truth.items()}
    result = fitting.fit(
        ps.with_parameters(cell, near),
        recording,
        free=[*names, RS],
        bounds={name: (value / 1000.0, value * 100.0) for name, value in truth.items()} | {RS: (1.0, 60.0)},
        starts=1,
        progress=False,
    )
    truth |= {RS: resistance}
    off = unseen(result.neuron, result.electrode) - unseen(cell, ps.Electrode(series_resistance=resistance))
    of_noise = result.loss / NOISE, float(np.sqrt(np.mean(off**2))) / NOISE
    return [(row.name, truth[row.name], row.value, row.standard_error, *of_noise) for row in result.estimates]


def main() -> None:
    """Fit all cells and print what share of the intervals holds the truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=2, help="recordings of each cell, with other noise")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = []
    for k in range(options.cells):
        rng = np.random.default_rng([options.seed, k])
        cell, resistance = draw_cell(rng)
        found = []
        for _ in range(options.repeats):
            found += recover(cell, resistance, record(cell, resistance, rng), rng)
        rows += found
        miss = np.array([abs(value - truth) / error for _, truth, value, error, *_ in found if error < np.inf])
        loss, off = (max(row[column] for row in found) for column in (-2, -1))
        print(f"cell {k + 1}: {', '.join(cell.channels)}, {resistance:.1f} MOhm: {np.sum(miss <= 1.96)} of {miss.size} "
              f"intervals hold the truth, the largest miss is {miss.max():.2f} standard errors, the largest loss "
              f"{loss:.3f} of the noise, the largest error of a prediction {off:.3f} of it", flush=True)  # fmt: skip
    stated = [row for row in rows if np.isfinite(row[3])]
    held = [abs(value - truth) <= 1.96 * error for _, truth, value, error, *_ in stated]
    print(f"\n{'parameter':<28} intervals  hold the truth")
    for name in sorted({row[0] for row in stated}):
        mine = [inside for row, inside in zip(stated, held, strict=True) if row[0] == name]
        print(f"{name:<28} {len(mine):>9}  {np.mean(mine):.1%}")
    print(f"all: {np.mean(held):.1%} of {len(held)} intervals hold the truth; {len(rows) - len(stated)} of "
          f"{len(rows)} parameters have none, stopped by a bound or not determined")  # fmt: skip
    print(f"the largest error of a prediction is {max(row[-1] for row in rows):.3f} of the noise")


if __name__ == "__main__":
    main()
