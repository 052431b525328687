"""How the equations of a neuron are solved in time."""

from patch_sim.solvers.adaptive import Adaptive as Adaptive, SolverError as SolverError
from patch_sim.solvers.equation import (
    RigEquation as RigEquation,
    SweepEquation as SweepEquation,
    in_millimolar as in_millimolar,
    in_resting_levels as in_resting_levels,
)
from patch_sim.solvers.exponential import (
    LANES as LANES,
    Exponential as Exponential,
    StaggeredExponential as StaggeredExponential,
)
from patch_sim.solvers.flat import flattened as flattened
from patch_sim.solvers.implicit import ImplicitGates as ImplicitGates
