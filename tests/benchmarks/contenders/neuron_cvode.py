"""NEURON: its own `hh` without the rate tables (with them it is slower and 2 mV off), CVODE at atol 1e-6."""

import numpy as np
from contender import Work, Works, serve
from neuron import h  # ty: ignore[import-not-found]
from work import AMPLITUDE, CONDUCTANCES, DIAMETER, DT, DURATION, LENGTH, REVERSALS, SAMPLES, STEP_DURATION, STEP_START

TOLERANCE = 1e-6


def cell() -> h.Section:
    section = h.Section(name="axon")
    section.L, section.diam, section.nseg, section.cm = LENGTH, DIAMETER, 1, 1.0
    section.insert("hh")
    section.ena, section.ek = REVERSALS["Na"], REVERSALS["K"]
    mechanism = section(0.5).hh
    mechanism.gnabar, mechanism.gkbar, mechanism.gl = (1e-3 * g for g in CONDUCTANCES.values())
    mechanism.el = REVERSALS["Leak"]
    h.celsius, h.usetable_hh = 6.3, 0
    return section


def cvode(rest: float) -> Work:
    section = cell()
    clamp = h.IClamp(section(0.5))
    clamp.delay, clamp.dur, clamp.amp = STEP_START, STEP_DURATION, 1e-3 * AMPLITUDE
    recorded = h.Vector().record(section(0.5)._ref_v, DT)
    solver = h.CVode()
    solver.active(1)
    solver.atol(TOLERANCE)

    def sweep(keep: object = (section, clamp)) -> np.ndarray:
        del keep  # a parameter only because NEURON deletes what Python lets go
        h.finitialize(rest)
        solver.solve(DURATION)
        return recorded.as_numpy()[:SAMPLES]

    return sweep


def prepare(rest: float) -> Works:
    return {"CVODE 1e-6": lambda: cvode(rest)}


if __name__ == "__main__":
    serve(prepare)
