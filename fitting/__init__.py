"""fitting: which neuron would have given this recording?"""

from fitting.bootstrap import Bootstrap as Bootstrap, bootstrap as bootstrap
from fitting.certificate import certificate as certificate
from fitting.checks import Certificate as Certificate, Check as Check
from fitting.directions import Direction as Direction
from fitting.fit import fit as fit
from fitting.model import Model as Model, load_model as load_model
from fitting.parameters import Space as Space
from fitting.phase_plane import PhasePlane as PhasePlane
from fitting.posterior import Posterior as Posterior, posterior as posterior
from fitting.priors import PassivePrior as PassivePrior, Prior as Prior, passive_prior as passive_prior
from fitting.profile import Profile as Profile, profile as profile
from fitting.provenance import fingerprint as fingerprint
from fitting.report import Estimate as Estimate, FitResult as FitResult, Start as Start, Table as Table
from fitting.saved import load as load
from fitting.soft_features import SoftFeatures as SoftFeatures
from fitting.spikes.events import Events as Events
from fitting.spikes.scores import EventScores as EventScores, event_scores as event_scores
from fitting.spikes.stranger import stranger as stranger
from fitting.traces import Traces as Traces
