"""What an electrophysiologist measures on a recording, simulated or from a file.

Every measurement prints as a table, says why where there is nothing to measure, and has `to_csv`, `to_json`,
`to_pandas` and `plot`.
"""

from patch_sim.analysis import soft as soft
from patch_sim.analysis.availability import Inactivation as Inactivation, inactivation as inactivation
from patch_sim.analysis.calcium import CalciumTransient as CalciumTransient, calcium_transient as calcium_transient
from patch_sim.analysis.conductance import GVCurve as GVCurve, gv_curve as gv_curve
from patch_sim.analysis.current_voltage import IVCurve as IVCurve, iv_curve as iv_curve
from patch_sim.analysis.features import Features as Features, features as features
from patch_sim.analysis.firing import FICurve as FICurve, fi_curve as fi_curve
from patch_sim.analysis.impedance import Impedance as Impedance, impedance as impedance
from patch_sim.analysis.kinetics import (
    Tail as Tail,
    TimeConstants as TimeConstants,
    tail as tail,
    time_constants as time_constants,
)
from patch_sim.analysis.measurement import (
    AbstractMeasurement as AbstractMeasurement,
    Column as Column,
    Value as Value,
)
from patch_sim.analysis.membrane_test import MembraneTest as MembraneTest, membrane_test as membrane_test
from patch_sim.analysis.passive import (
    Capacitances as Capacitances,
    Passive as Passive,
    compare_capacitances as compare_capacitances,
    passive as passive,
)
from patch_sim.analysis.phase_plane import PhasePlane as PhasePlane, phase_plane as phase_plane
from patch_sim.analysis.recovery import Recovery as Recovery, recovery as recovery
from patch_sim.analysis.spikes import Spikes as Spikes, spikes as spikes
from patch_sim.analysis.summary import Summary as Summary, summary as summary
from patch_sim.analysis.threshold import (
    AbstractThreshold as AbstractThreshold,
    Curvature as Curvature,
    Fraction as Fraction,
    Slope as Slope,
)
from patch_sim.analysis.trace import last as last, part as part
