"""Samples of the parameters that the recordings leave possible."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.bootstrap import of_samples
from fitting.objective import Objective
from fitting.report import FitResult

_CHAINS = 4
_WARM_UP = 200
_CHUNK = 25  # samples between two lines of progress
_EDGE = 1e-3  # of the box, from which chains start
_CONVERGED = 1.05


@dataclasses.dataclass(frozen=True)
class Posterior:
    """Samples of the posterior; prints as a table.

    Attributes:
        names: the free parameters.
        units: of them.
        values: `(chains, samples, free)`, in each one's unit.
        temper: the power of the likelihood: 1 for white residuals, less where they remember.
        divergences: how many samples the integrator lost; many mean that a corner of the posterior was not reached.
        spread: of the chains, the potential scale reduction of each parameter, `(free,)`; above 1.05 they have not
            come to the same.
        effective: how many independent samples they are worth, `(free,)`.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: np.ndarray
    temper: float
    divergences: int
    spread: np.ndarray
    effective: np.ndarray

    @property
    def flat(self) -> np.ndarray:
        """All samples, `(chains * samples, free)`."""
        return self.values.reshape(-1, len(self.names))

    @property
    def intervals(self) -> np.ndarray:
        """From the 2.5th to the 97.5th percentile, `(free, 2)`."""
        return np.percentile(self.flat, [2.5, 97.5], axis=0).T

    @property
    def correlation(self) -> np.ndarray:
        """Of the samples, `(free, free)`."""
        return np.atleast_2d(np.corrcoef(self.flat.T))

    def __str__(self) -> str:
        width = max(map(len, self.names))
        lines = [f"{'parameter':<{width}}  {'median':>10}  95 % interval"]
        for name, unit, column, (low, high) in zip(self.names, self.units, self.flat.T, self.intervals, strict=True):
            lines.append(f"{name:<{width}}  {np.median(column):>10.5g}  {low:.5g} to {high:.5g} {unit}".rstrip())
        lines.append(f"likelihood to the power {self.temper:.3g}; worth {self.effective.min():.0f} independent samples")
        if self.spread.max() > _CONVERGED or self.divergences:
            lines.append(
                f"warning: the chains differ (potential scale reduction {self.spread.max():.3f}, {self.divergences} "
                "divergences): take more samples, or free less"
            )
        return "\n".join(lines)


def posterior(
    result: FitResult, *, samples: int = 1000, seed: int = 0, progress: bool | Callable[[str], None] = True
) -> Posterior:
    r"""Draw parameters from their posterior, for fits of few parameters.

    $$\log p(u \mid y) = -\frac{k}{2 s^2} r(u)^T r(u) + \mathrm{const}, \quad u \in [0, 1]^p, \qquad
      k = \frac{p}{\mathrm{tr}(J^T J \; \mathrm{cov}) / s^2}$$

    The prior is even over the box of the fit, on each parameter's own scale: of a logarithm where it is searched on
    one. k tempers the likelihood for residuals that are not independent, by the mean over the directions of how much
    the covariance exceeds that of white ones (Pauli, Racugno & Ventura 2011, Stat Sinica 21:149-164); single
    parameters may differ from that mean, see `result.inflation`. Four chains of the no-U-turn sampler (Hoffman & Gelman
    2014, J Mach Learn Res 15:1593-1623) of blackjax, with the exact gradient in forward mode.

    Args:
        result: of `fitting.fit`.
        samples: in all, a multiple of 4; each costs some ten simulations with their derivatives.
        seed: of the random draws.
        progress: whether to show progress, or a function that takes each line.

    Raises:
        ImportError: blackjax is missing.
        ValueError: a loaded fit, a loss that holds more than samples, or a number of samples that is no multiple of 4.
    """
    objective, u = of_samples(result)
    if not isinstance(samples, int) or samples < 4 * _CHAINS or samples % _CHAINS:
        raise ValueError(f"samples must be a multiple of {_CHAINS}, at least {4 * _CHAINS}, not {samples!r}")
    try:
        import blackjax
    except ImportError as error:
        raise ImportError("fitting.posterior needs blackjax: pip install patch-sim[posterior]") from error
    cost, _, curvature = objective.linearize(u)
    noise = max(cost / max(objective.scored - u.size, 1), 1e-300)
    temper = _temper(result, objective, u, curvature / noise)
    density = _log_density(objective, temper / noise)
    show = ps.Progress(progress)
    warm_up, *keys = jax.random.split(jax.random.key(seed), 1 + _CHAINS)

    start = jnp.asarray(np.clip(u, _EDGE, 1.0 - _EDGE))
    adapted: Any = blackjax.window_adaptation(blackjax.nuts, density, is_mass_matrix_diagonal=u.size == 1)
    (state, settings), _ = adapted.run(warm_up, jnp.log(start / (1.0 - start)), num_steps=_WARM_UP)
    show.show(f"warmed up by {_WARM_UP} samples")
    kernel = blackjax.nuts(density, **settings)

    @jax.jit
    def advance(state: Any, keys: Array) -> tuple[Any, tuple[Array, Array]]:
        def step(state: Any, key: Array) -> tuple[Any, tuple[Array, Array]]:
            state, info = kernel.step(key, state)
            return state, (state.position, info.is_divergent)

        return jax.lax.scan(step, state, keys)

    chains, lost = [], 0
    for k, key in enumerate(keys):
        found, now = [], state
        for chunk in np.array_split(np.arange(samples // _CHAINS), max(1, samples // _CHAINS // _CHUNK)):
            now, (positions, divergent) = advance(now, jax.random.split(jax.random.fold_in(key, chunk[0]), chunk.size))
            found.append(np.asarray(positions))
            lost += int(np.sum(np.asarray(divergent)))
            show.show(f"chain {k + 1} of {_CHAINS}: {chunk[-1] + 1} of {samples // _CHAINS} samples")
        chains.append(np.concatenate(found))
    show.close()
    x = jnp.asarray(np.stack(chains))
    values = jax.vmap(jax.vmap(lambda x: objective.space.values(jax.nn.sigmoid(x))))(x)
    return Posterior(
        names=objective.space.names,
        units=objective.space.units,
        values=np.asarray(values),
        temper=temper,
        divergences=lost,
        spread=np.atleast_1d(blackjax.diagnostics.potential_scale_reduction(x)),
        effective=np.atleast_1d(blackjax.diagnostics.effective_sample_size(x)),
    )


def _temper(result: FitResult, objective: Objective, u: np.ndarray, information: np.ndarray) -> float:
    """By how much the information of independent residuals exceeds what the covariance of the fit says, inverted."""
    errors = np.array([row.standard_error for row in result.estimates])
    known = np.isfinite(errors) & (errors > 0)
    if not known.any():
        return 1.0
    _, slope = jax.jvp(objective.space.values, (jnp.asarray(u),), (jnp.ones(u.size, u.dtype),))
    width = (errors / np.asarray(slope))[known]
    covariance = result.correlation[np.ix_(known, known)] * np.outer(width, width)
    return float(min(1.0, known.sum() / np.sum(information[np.ix_(known, known)] * covariance)))


def _log_density(objective: Objective, weight: float) -> Callable[[Float[Array, " free"]], Float[Array, ""]]:
    """The logarithm of the posterior in unbounded coordinates x, u = 1 / (1 + exp(-x)), with its Jacobian.

    Its gradient is taken in forward mode, the cheaper one for a handful of parameters.
    """

    def density(x: Float[Array, " free"]) -> Float[Array, ""]:
        likelihood = -0.5 * weight * objective.sum_of_squares(jax.nn.sigmoid(x))
        prior = jnp.sum(jax.nn.log_sigmoid(x) + jax.nn.log_sigmoid(-x))
        return jnp.where(jnp.isfinite(likelihood), likelihood, -jnp.inf) + prior

    def forward(x: Float[Array, " free"]) -> tuple[Float[Array, ""], Float[Array, " free"]]:
        push = jax.vmap(lambda direction: jax.jvp(density, (x,), (direction,)), out_axes=(None, 0))
        value, gradient = push(jnp.eye(x.size, dtype=x.dtype))
        return value, jnp.nan_to_num(gradient)

    with_gradient = jax.custom_vjp(density)
    with_gradient.defvjp(forward, lambda gradient, seed: (gradient * seed,))
    return with_gradient
