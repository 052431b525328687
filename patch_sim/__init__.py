"""patch_sim: a patch-clamp rig in software that can be differentiated."""

from patch_sim.xla import fuse_small_loops as _fuse_small_loops

_fuse_small_loops()  # before anything can start JAX's backend

from patch_sim import channels as channels  # noqa: E402
from patch_sim import presets as presets
from patch_sim import rates as rates
from patch_sim import units as units
from patch_sim.channels import Channel as Channel  # noqa: E402
from patch_sim.electrochemistry import Ion as Ion  # noqa: E402
from patch_sim.electrochemistry import Ions as Ions
from patch_sim.electrochemistry import nernst as nernst
from patch_sim.gates import Gate as Gate  # noqa: E402
from patch_sim.neuron import Neuron as Neuron  # noqa: E402
from patch_sim.neuron import State as State
from patch_sim.parameters import (  # noqa: E402
    AbstractParametric as AbstractParametric,
)
from patch_sim.parameters import (
    parameter as parameter,
)
from patch_sim.parameters import (
    parameters as parameters,
)
from patch_sim.parameters import (
    with_parameters as with_parameters,
)
from patch_sim.protocols import CurrentClamp as CurrentClamp  # noqa: E402
from patch_sim.protocols import Mode as Mode
from patch_sim.protocols import VoltageClamp as VoltageClamp
from patch_sim.recording import Recording as Recording  # noqa: E402
from patch_sim.simulate import simulate as simulate  # noqa: E402
from patch_sim.solvers import Adaptive as Adaptive  # noqa: E402
from patch_sim.solvers import SolverError as SolverError
from patch_sim.stimuli import Levels as Levels  # noqa: E402
from patch_sim.stimuli import Samples as Samples
from patch_sim.stimuli import Step as Step
