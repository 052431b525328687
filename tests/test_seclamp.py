"""The squid axon behind a series resistance, against NEURON's SEClamp; `tests/references/seclamp.py` made the data."""

from pathlib import Path

import numpy as np
import pytest

import patch_sim as ps

REFERENCE = np.load(Path(__file__).parent / "references" / "seclamp.npz")
SQUID = ps.with_parameters(ps.presets.neuron("squid_axon"), {"area": float(REFERENCE["area_um2"])})


@pytest.mark.parametrize("k", range(3), ids=[f"{r:g} MOhm" for r in REFERENCE["resistance_MOhm"]])
def test_voltage_and_current_are_neuron_s(k):
    holding, dt = float(REFERENCE["holding_mV"]), float(REFERENCE["dt_ms"])
    voltage, current = REFERENCE["V_mV"][k], REFERENCE["I_pA"][k].astype(float)
    step = ps.Step(REFERENCE["level_mV"] - holding, float(REFERENCE["start_ms"]), float(REFERENCE["duration_ms"]))
    clamp = ps.VoltageClamp(
        step,
        holding=holding,
        duration=voltage.shape[1] * dt,
        dt=dt,
        electrode=ps.Electrode(series_resistance=REFERENCE["resistance_MOhm"][k]),
    )
    rec = ps.simulate(SQUID, clamp, initial=holding, solver=ps.Adaptive(1e-10, 1e-10))
    np.testing.assert_allclose(rec.voltage, voltage, rtol=0, atol=1e-7)
    np.testing.assert_allclose(rec.current, current, rtol=0, atol=1e-6 * np.max(np.abs(current)))
