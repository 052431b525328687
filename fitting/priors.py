"""What is known of parameters before a recording is looked at."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.losses import Trace
from fitting.parameters import Space
from fitting.setup import Setup
from fitting.sums import PRIOR, AbstractLeaf, check_positive


@dataclasses.dataclass(frozen=True)
class Prior(AbstractLeaf):
    r"""What is known of free parameters beforehand: a normal distribution for each.

    $$r = (\theta - \mu) / s \qquad \text{or, on the logarithm,} \qquad r = \ln(\theta / \mu) / s$$

    Its residuals have a variance of 1 by definition, and so they enter the standard errors: a parameter that the
    recordings do not determine keeps the standard deviation of its prior as its error. A prior that is multiplied by w
    is one with $s / \sqrt w$.

    Args:
        expected: from path, pattern or tie to `(mean, standard deviation)` in the parameter's unit; the later entry
            wins.
        log: whether the distribution is that of the logarithm; then the standard deviation is relative, 0.1 for 10 %.

    Raises:
        ValueError: no pair of numbers, a standard deviation that is not positive, the logarithm of 0.
    """

    expected: Mapping[str, Any]
    log: bool = False

    def __post_init__(self):
        if not isinstance(self.expected, Mapping) or not self.expected:
            raise ValueError('a prior is of parameters by name: fitting.Prior({"capacitance": (1.0, 0.1)})')
        for name, pair in self.expected.items():
            mean = _check_pair(name, pair)
            if self.log and mean == 0:
                raise ValueError(f"the prior of {name} is on a logarithm, so its mean cannot be 0")

    def bind(self, recordings: Sequence[ps.Recording], setup: Setup, space: Space, weight: float) -> "Expected":
        """The part of an objective that compares parameters with what is expected.

        Raises:
            KeyError: a pattern that matches no parameter.
            ValueError: a parameter that is not free, or that has the other sign of its mean on a logarithm.
        """
        tied = dict(zip(space.names, space.targets, strict=True))
        first = {path: paths[0] for paths in space.targets for path in paths}  # what is tied has one value
        rows = {}
        for pattern, pair in self.expected.items():
            paths = tied[pattern] if pattern in tied else setup.match(pattern)
            free = [first[path] for path in paths if path in first]
            if not free:
                raise ValueError(f"a prior of {pattern}, which is not free, changes nothing")
            rows |= dict.fromkeys(free, pair)
        for name, low, high, (path, *_) in zip(space.names, space.low, space.high, space.targets, strict=True):
            if self.log and path in rows and not min(low * rows[path][0], high * rows[path][0]) > 0:
                raise ValueError(f"{name} may have another sign than its mean, so its logarithm can have no prior")
        mean, deviation = (jnp.asarray(column, dtype=float) for column in zip(*rows.values(), strict=True))
        return Expected(tuple(rows), self.log, mean, deviation / math.sqrt(weight))


class Expected(eqx.Module):
    """The part of an objective that compares parameters with what is expected of them."""

    rank: ClassVar[int] = PRIOR

    paths: tuple[str, ...] = eqx.field(static=True)
    log: bool = eqx.field(static=True)
    mean: Float[Array, " priors"]
    deviation: Float[Array, " priors"]

    @property
    def size(self) -> int:
        """How many residuals there are."""
        return len(self.paths)

    def residual(self, seen: Sequence[Array], terms: Sequence[Trace], setup: Setup) -> Float[Array, " residuals"]:
        """How many standard deviations each parameter is from its mean."""
        now = setup.parameters()
        values = jnp.stack([now[path] for path in self.paths])
        return (jnp.log(values / self.mean) if self.log else values - self.mean) / self.deviation


@dataclasses.dataclass(frozen=True)
class PassivePrior(AbstractLeaf):
    r"""What was measured of a membrane as a whole, as `passive_prior` reads it from a measurement.

    $$r_1 = (c A - C) / s_C, \qquad r_2 = \Big(A \frac{d I_\infty}{d V} - \frac{1}{R}\Big) \Big/ \frac{s_R}{R^2}$$

    with the specific capacitance c and the area A of the neuron and the current $I_\infty$ through its channels with
    all gates at their steady state. It is the conductance that is compared, because the resistance has a pole where
    inward currents cancel it.

    Args:
        capacitance: of the membrane, `(mean, standard deviation)`, pF.
        resistance: of the membrane, `(mean, standard deviation)`, MOhm.
        voltage: where the resistance was measured, mV. None: at rest.

    Raises:
        ValueError: no pair of numbers, a number that is not positive.
    """

    capacitance: tuple[float, float]
    resistance: tuple[float, float]
    voltage: float | None = None

    def __post_init__(self):
        for name in ("capacitance", "resistance"):
            check_positive(f"the mean of {name}", _check_pair(name, getattr(self, name)))

    def bind(self, recordings: Sequence[ps.Recording], setup: Setup, space: Space, weight: float) -> "ExpectedPassive":
        """The part of an objective that compares the membrane with what was measured of it.

        Raises:
            ValueError: several cells.
        """
        if len(setup.neurons) > 1:
            raise ValueError(
                f"what was measured of one membrane cannot be compared with {len(setup.neurons)} cells: "
                "fitting.Prior({'cells.0.capacitance': (mean, standard deviation)}) is of one of them"
            )
        (capacitance, of_capacitance), (resistance, of_resistance) = self.capacitance, self.resistance
        mean = jnp.asarray([capacitance, 1e3 / resistance], dtype=float)
        deviation = jnp.asarray([of_capacitance, 1e3 * of_resistance / resistance**2], dtype=float)
        return ExpectedPassive(self.voltage, mean, deviation / math.sqrt(weight))


class ExpectedPassive(eqx.Module):
    """The part of an objective that compares a membrane's capacitance (pF) and conductance (nS) with a prior."""

    rank: ClassVar[int] = PRIOR
    size: ClassVar[int] = 2

    voltage: float | None = eqx.field(static=True)
    mean: Float[Array, "2"]
    deviation: Float[Array, "2"]

    def residual(self, seen: Sequence[Array], terms: Sequence[Trace], setup: Setup) -> Float[Array, " residuals"]:
        """How many standard deviations both are from what was measured."""
        (neuron,) = setup.neurons
        capacitance = ps.units.whole_cell_capacitance(neuron.capacitance, neuron.area)
        conductance = membrane_conductance(neuron, self.voltage)
        return (jnp.stack([capacitance, conductance]) - self.mean) / self.deviation


def membrane_conductance(neuron: ps.Neuron, voltage: float | None = None) -> Float[Array, ""]:
    """The slope of a neuron's steady-state current over the voltage, nS; at rest if no voltage (mV) is given."""
    v = neuron.resting_state().voltage if voltage is None else jnp.asarray(voltage, neuron.area.dtype)

    def density(v: Float[Array, ""]) -> Float[Array, ""]:
        return sum(neuron.currents(neuron.steady_state(v)).values(), jnp.zeros_like(v))

    _, slope = jax.jvp(density, (v,), (jnp.ones_like(v),))
    return jnp.asarray(ps.units.whole_cell_conductance(slope, neuron.area))


def passive_prior(
    neuron: ps.Neuron, measured: ps.analysis.MembraneTest | ps.analysis.Passive, voltage: float | None = None
) -> PassivePrior:
    """A prior of a neuron's capacitance and input resistance as they were measured, with their errors.

    Of a membrane test it takes the capacitance by its time constant, and the input resistance less the access
    resistance, both of the whole step; of `ps.analysis.passive` the capacitance of the onset and the input resistance.
    Errors of a measurement are how well it can be repeated. Where the neuron is too simple for the cell, a dendrite
    missing, say, they are too narrow: weigh it
    less, `0.1 * prior`.

    Args:
        neuron: the model to be fitted.
        measured: `ps.analysis.membrane_test(recording)` or `ps.analysis.passive(recording)`.
        voltage: at which the step was made, mV: the holding potential of a membrane test. None: at rest.

    Raises:
        ValueError: what could not be measured or has no error, or a neuron that is not stable at this voltage, so that
            it has no input resistance.
    """
    if not isinstance(neuron, ps.Neuron):
        raise ValueError(f"neuron must be a Neuron, not {neuron!r}")
    if isinstance(measured, ps.analysis.MembraneTest):
        named = {"capacitance": measured.capacitance_tau, "input resistance": measured.input_resistance}
        access = _measured("access resistance", measured.access_resistance)
    elif isinstance(measured, ps.analysis.Passive):
        named = {"capacitance": measured.onset_capacitance, "input resistance": measured.input_resistance}
        access = (0.0, 0.0)
    else:
        raise ValueError(f"measured must be a MembraneTest or a Passive of ps.analysis, not {measured!r}")
    capacitance, (total, error) = (_measured(name, value) for name, value in named.items())
    if not float(membrane_conductance(neuron, voltage)) > 0:
        raise ValueError("the neuron is not stable at this voltage, so it has no input resistance to be compared")
    return PassivePrior(capacitance, (total - access[0], math.hypot(error, access[1])), voltage)


def _measured(name: str, value: ps.analysis.Value) -> tuple[float, float]:
    if not value.measurable:
        raise ValueError(f"the {name} was not measured: {value.reason}")
    if not 0 < value.error < math.inf:
        raise ValueError(f"the {name} has no standard error: fitting.PassivePrior(...) takes one of your own")
    return value.value, value.error


def _check_pair(name: str, pair: Any) -> float:
    """The mean of a mean and a standard deviation."""
    try:
        mean, deviation = (float(number) for number in pair)
    except (TypeError, ValueError):
        raise ValueError(f"a prior of {name} must be (mean, standard deviation), not {pair!r}") from None
    check_positive(f"the standard deviation of {name}", deviation)
    if not math.isfinite(mean):
        raise ValueError(f"the mean of {name} must be finite, not {mean!r}")
    return mean
