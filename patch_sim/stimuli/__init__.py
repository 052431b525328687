"""Waveforms in time. `+` adds them; each knows its edges; a list in any field makes a family of sweeps."""

from patch_sim.stimuli.base import (
    AbstractStimulus as AbstractStimulus,
    Family as Family,
    Scaled as Scaled,
    Sum as Sum,
    family as family,
    snap as snap,
)
from patch_sim.stimuli.epochs import Epoch as Epoch, epochs as epochs
from patch_sim.stimuli.noise import Noise as Noise
from patch_sim.stimuli.pulses import PulseTrain as PulseTrain
from patch_sim.stimuli.samples import Samples as Samples
from patch_sim.stimuli.steps import Constant as Constant, Levels as Levels, Step as Step
from patch_sim.stimuli.synaptic import Synaptic as Synaptic
from patch_sim.stimuli.waves import Chirp as Chirp, Ramp as Ramp, Sine as Sine
