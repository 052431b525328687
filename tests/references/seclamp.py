"""NEURON's SEClamp on the squid axon: makes the reference of `tests/test_seclamp.py`.

    uv run --group peers python tests/references/seclamp.py

A patch of the squid axon (1,000 um2, 10 pF) is stepped from -70 mV through a series resistance, by CVODE. How far the
reference itself can be trusted is printed: the largest change from a tolerance a hundred times as large.
"""

from pathlib import Path

import numpy as np
from neuron import h  # ty: ignore[import-not-found]

h.load_file("stdrun.hoc")

FILE = Path(__file__).with_suffix(".npz")
RESISTANCES = (1.0, 5.0, 10.0)  # MOhm
LEVELS = (-40.0, -10.0, 30.0)  # mV
HOLDING, START, LENGTH, END = -70.0, 1.05, 4.0, 7.0  # mV, ms; no jump falls on a sample
DT = 0.1  # ms
AREA = 1000.0  # um2
TOLERANCE = 1e-12


def clamped(level: float, resistance: float, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """The voltage (mV) of the membrane and the current (pA) of the clamp."""
    patch = h.Section(name="patch")
    patch.L = patch.diam = np.sqrt(AREA / np.pi)
    patch.nseg, patch.cm = 1, 1.0
    patch.insert("hh")
    patch.ena, patch.ek = 50.0, -77.0
    clamp = h.SEClamp(patch(0.5))
    clamp.rs = resistance
    clamp.dur1, clamp.dur2, clamp.dur3 = START, LENGTH, END
    clamp.amp1, clamp.amp2, clamp.amp3 = HOLDING, level, HOLDING
    voltage, current = (h.Vector().record(ref, DT) for ref in (patch(0.5)._ref_v, clamp._ref_i))
    cvode = h.CVode()
    cvode.active(1)
    cvode.atol(tolerance)
    cvode.rtol(tolerance)
    h.celsius, h.usetable_hh = 6.3, 0  # the table of rates is a millivolt coarse
    h.finitialize(HOLDING)
    h.continuerun(END)
    samples = round(END / DT)
    return voltage.as_numpy()[:samples].copy(), 1e3 * current.as_numpy()[:samples]


def family(tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Voltage and current, `(resistances, levels, samples)`."""
    runs = [[clamped(level, resistance, tolerance) for level in LEVELS] for resistance in RESISTANCES]
    voltage, current = np.moveaxis(np.array(runs), 2, 0)
    return voltage, current


def main() -> None:
    """Make the file, and say how exact it is."""
    voltage, current = family(TOLERANCE)
    other, other_current = family(100 * TOLERANCE)
    print(f"voltage within {np.max(np.abs(voltage - other)):.1e} mV of a hundredfold tolerance")
    print(f"current within {np.max(np.abs(current - other_current)) / np.max(np.abs(current)):.1e} of its peak")
    dials = {"resistance_MOhm": RESISTANCES, "level_mV": LEVELS, "dt_ms": DT, "area_um2": AREA}
    times = {"holding_mV": HOLDING, "start_ms": START, "duration_ms": LENGTH}
    np.savez_compressed(FILE, V_mV=voltage, I_pA=current.astype(np.float32), **dials, **times)
    print(f"{FILE.name}: {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
