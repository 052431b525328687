"""What an electrode costs: one sweep of the squid axon without one, through an ideal one, and through a resistance.

    uv run python tests/benchmarks/electrode.py

prints, for either clamp, the time of a sweep of 110 ms and its ratio to the sweep without an electrode, and how many
floating-point operations and bytes XLA counts in the compiled programs. (It counts the body of a time loop once, so
that only programs of the same loops compare.) The three take turns in every round; a time is the median over the
rounds, a ratio the median of the ratios within them, with quartiles.
"""

import jax
import numpy as np
from clock import seconds

import patch_sim as ps

jax.config.update("jax_enable_x64", True)

ROUNDS = 15
CELL = ps.presets.neuron("squid_axon")
ELECTRODES = {"no electrode": None, "ps.Electrode()": ps.Electrode(), "5 MOhm": ps.Electrode(series_resistance=5.0)}


def protocol(mode: ps.Mode, electrode: ps.Electrode | None) -> ps.CurrentClamp | ps.VoltageClamp:
    """A sweep of 110 ms."""
    if mode is ps.Mode.CURRENT_CLAMP:
        return ps.CurrentClamp(ps.Step(126.0, 5.0, 100.0), duration=110.0, electrode=electrode)
    return ps.VoltageClamp(ps.Step(60.0, 5.0, 100.0), holding=-70.0, duration=110.0, electrode=electrode)


def work(clamp: ps.CurrentClamp | ps.VoltageClamp) -> str:
    """What XLA counts in the compiled program of a sweep."""
    cost = jax.jit(ps.simulate).lower(CELL, clamp).compile().cost_analysis()
    return f"{cost['flops']:9.0f} operations {cost['bytes accessed']:10.0f} bytes"


def main() -> None:
    """Measure and print."""
    for mode in (ps.Mode.CURRENT_CLAMP, ps.Mode.VOLTAGE_CLAMP):
        clamps = {name: protocol(mode, electrode) for name, electrode in ELECTRODES.items()}
        taken = [
            [
                seconds(lambda clamp=clamp: ps.simulate(CELL, clamp).current.block_until_ready())
                for clamp in clamps.values()
            ]
            for _ in range(ROUNDS)
        ]
        times = np.array(taken)
        low, ratio, high = np.percentile(times / times[:, :1], [25, 50, 75], axis=0)
        print(mode.value)
        for k, (name, clamp) in enumerate(clamps.items()):
            spread = f"{ratio[k]:6.3f} ({low[k]:.3f} to {high[k]:.3f})"
            print(f"  {name:16}{1e3 * np.median(times[:, k]):8.3f} ms {spread}   {work(clamp)}")


if __name__ == "__main__":
    main()
