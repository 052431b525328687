"""patch_sim: a patch-clamp rig in software that can be differentiated."""

from patch_sim import xla as xla  # first: it must be asked before anything can start JAX's backend

# isort: split
from patch_sim import (
    analysis as analysis,
    channels as channels,
    electrochemistry as electrochemistry,
    presets as presets,
    rates as rates,
    solvers as solvers,
    stimuli as stimuli,
    units as units,
)
from patch_sim.arguments import Solver as Solver
from patch_sim.calcium import CalciumPool as CalciumPool
from patch_sim.channels import Channel as Channel
from patch_sim.dendrite import Dendrite as Dendrite
from patch_sim.describe import describe as describe
from patch_sim.dynamic_clamp import Conductance as Conductance, DynamicClamp as DynamicClamp
from patch_sim.electrochemistry import Ion as Ion, Ions as Ions, nernst as nernst
from patch_sim.electrode import Compensation as Compensation, Electrode as Electrode
from patch_sim.ensemble import Ensemble as Ensemble, draw as draw, ensemble as ensemble, grid as grid
from patch_sim.files import RecordingError as RecordingError, load_protocol as load_protocol, read as read
from patch_sim.filters import Bessel as Bessel
from patch_sim.gate_plot import plot_gates as plot_gates
from patch_sim.gates import (
    CalciumGate as CalciumGate,
    Gate as Gate,
    InfTauGate as InfTauGate,
    InstantGate as InstantGate,
    SymmetricGate as SymmetricGate,
)
from patch_sim.neuron import Neuron as Neuron, State as State
from patch_sim.parameters import (
    AbstractParametric as AbstractParametric,
    Number as Number,
    limits as limits,
    match as match,
    parameter as parameter,
    parameters as parameters,
    with_parameters as with_parameters,
)
from patch_sim.progress import Progress as Progress
from patch_sim.protocols import (
    CurrentClamp as CurrentClamp,
    LeakSubtraction as LeakSubtraction,
    MixedClamp as MixedClamp,
    Mode as Mode,
    VoltageClamp as VoltageClamp,
)
from patch_sim.recording import Recording as Recording
from patch_sim.rheobase import rheobase as rheobase
from patch_sim.rig import RepeatedPulse as RepeatedPulse, Rig as Rig
from patch_sim.serialize import decode as decode, encode as encode
from patch_sim.simulate import simulate as simulate
from patch_sim.solvers import Adaptive as Adaptive, Exponential as Exponential, SolverError as SolverError
from patch_sim.start import check_initial as check_initial
from patch_sim.stimuli import (
    Chirp as Chirp,
    Epoch as Epoch,
    Levels as Levels,
    Noise as Noise,
    PulseTrain as PulseTrain,
    Ramp as Ramp,
    Samples as Samples,
    Sine as Sine,
    Step as Step,
    Synaptic as Synaptic,
    epochs as epochs,
)
