"""fitting: which neuron would have given this recording?"""

from fitting.bootstrap import Bootstrap as Bootstrap, bootstrap as bootstrap
from fitting.certificate import certificate as certificate
from fitting.checks import Certificate as Certificate, Check as Check
from fitting.directions import Direction as Direction
from fitting.event_scores import EventScores as EventScores, event_scores as event_scores
from fitting.events import Events as Events
from fitting.fit import fit as fit
from fitting.parameters import Space as Space
from fitting.posterior import Posterior as Posterior, posterior as posterior
from fitting.profile import Profile as Profile, profile as profile
from fitting.provenance import fingerprint as fingerprint
from fitting.report import Estimate as Estimate, FitResult as FitResult, Start as Start, Table as Table, load as load
from fitting.stranger import Model as Model, stranger as stranger
