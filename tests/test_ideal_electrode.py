"""An ideal electrode costs nothing: the compiled work with and without one; times are in `tests/benchmarks`."""

import jax
import pytest

import patch_sim as ps

SQUID = ps.presets.neuron("squid_axon")
STEPS = ps.Step([10.0, 50.0], 1.0, 5.0)


def operations(clamp: type, **settings) -> float:
    """How many floating-point operations XLA counts in the compiled program of two sweeps of 400 samples."""
    protocol = clamp(STEPS, duration=10.0, dt=0.025, **settings)
    return jax.jit(ps.simulate).lower(SQUID, protocol).compile().cost_analysis()["flops"]


@pytest.mark.slow
@pytest.mark.parametrize("clamp", [ps.CurrentClamp, ps.VoltageClamp])
def test_an_ideal_electrode_adds_no_work(clamp):
    without = operations(clamp)
    assert operations(clamp, electrode=ps.Electrode()) == without
    assert operations(clamp, electrode=ps.Electrode(seal_resistance=500.0)) != without  # it would be seen
