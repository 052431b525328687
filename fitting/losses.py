"""What a fit makes small."""

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

import patch_sim as ps
from fitting.continuation import AbstractContinuation


class Trace(eqx.Module):
    r"""The difference between a recorded and a simulated response, sample by sample.

    $$r_k = \sqrt{w_k} \, (\hat y_k - y_k) / \sigma$$

    where $y$ is the voltage in current clamp and the current in voltage clamp.

    Attributes:
        protocol: what was commanded, as the digitizer played it.
        initial: where each sweep starts, as `patch_sim.simulate` takes it.
        data: the response, mV or pA.
        root_weight: $\sqrt{w}$; 0 where a sample is masked.
        scale: $\sigma$, mV or pA: what one unit of residual stands for.
        continuation: what leads the simulated voltage along the recorded one; None for nothing.
    """

    protocol: ps.CurrentClamp | ps.VoltageClamp
    initial: Any
    data: Float[Array, "sweeps samples"]
    root_weight: Float[Array, "sweeps samples"]
    scale: Float[Array, ""]
    continuation: AbstractContinuation | None = None

    def seen(self, neuron: ps.Neuron, electrode: ps.Electrode, solver: ps.Solver) -> Float[Array, "sweeps samples"]:
        """The response of a neuron behind an electrode, mV or pA; NaN where the amplifier would oscillate."""
        stable, electrode = _stabilized(electrode)
        protocol: Any = dataclasses.replace(self.protocol, electrode=electrode)
        if self.continuation is None:
            save = ("current", "measured_voltage")
            response = ps.simulate(neuron, protocol, initial=self.initial, save=save, solver=solver).response
        else:
            response = self.continuation.response(neuron, protocol, self.initial, solver)
        return jnp.where(stable, response, jnp.nan)

    def difference(self, response: Float[Array, "sweeps samples"]) -> Float[Array, " residuals"]:
        """The weighted residuals of a response, in units of the scale."""
        return jnp.ravel((response - self.data) * self.root_weight / self.scale)

    def residual(self, neuron: ps.Neuron, electrode: ps.Electrode, solver: ps.Solver) -> Float[Array, " residuals"]:
        """The weighted residuals of a neuron behind an electrode, in units of the scale.

        They are NaN where the amplifier would oscillate.
        """
        return self.difference(self.seen(neuron, electrode, solver))

    @property
    def unknowns(self) -> int:
        """How many numbers its continuation looks for."""
        return 0 if self.continuation is None else self.continuation.unknowns

    def placed(self, unknowns: Float[Array, " unknowns"]) -> "Trace":
        """The same at other numbers of its continuation."""
        return dataclasses.replace(self, continuation=self.continuation and self.continuation.placed(unknowns))

    @property
    def weight(self) -> Float[Array, ""]:
        """The sum of the weights."""
        return jnp.sum(self.root_weight**2)

    @property
    def scored(self) -> Int[Array, ""]:
        """The number of samples that count."""
        return jnp.sum(self.root_weight > 0)


def _stabilized(electrode: ps.Electrode) -> tuple[Bool[Array, ""], ps.Electrode]:
    """Whether an amplifier is stable; one that is not is switched off, for it would keep the solver busy to no end."""

    def told(electrode: ps.Electrode) -> tuple[Any, Any]:
        return electrode.compensation.correction, electrode.compensation.capacitance

    stable = jnp.asarray(True)
    if "series_resistance" in electrode.used:
        stable &= electrode.clamp_resistance > 0.0
    if "capacitance" in electrode.used:
        stable &= electrode.free_capacitance >= 0.0
    if "lag" in electrode.used:
        stable &= electrode.clamp_lag > 0.0
    return stable, eqx.tree_at(told, electrode, tuple(jnp.where(stable, x, 0.0) for x in told(electrode)))


def protocol_of(recording: ps.Recording) -> ps.CurrentClamp | ps.VoltageClamp:
    """The protocol that a recording was made with: its command, each sample held until the next, and its rig.

    Raises:
        ValueError: the recording has no command, is not evenly sampled, or is of a mixed clamp.
    """
    if recording.mode is ps.Mode.MIXED:
        raise ValueError("a mixed clamp is no single protocol: take each of its phases, rec.phases")
    if recording.command is None:
        raise ValueError("the recording holds no command, so it cannot be simulated")
    command, dt = np.asarray(recording.command), recording.dt
    holding, duration = command[:, 0], command.shape[1] * dt
    stimulus = ps.Samples(command - holding[:, None], dt)
    if recording.mode is ps.Mode.CURRENT_CLAMP:
        return ps.CurrentClamp(stimulus, duration, dt, holding, recording.electrode)
    return ps.VoltageClamp(stimulus, duration, dt, holding, recording.electrode, recording.leak_subtraction)


def trace(recording: ps.Recording, weights: Any = None, initial: Any = None, scale: float = 1.0) -> Trace:
    """Score a recording sample by sample.

    Args:
        recording: its mask says which samples count.
        weights: how much each counts; broadcasts to (sweeps, samples).
        initial: as `patch_sim.simulate` takes it.
        scale: mV or pA.

    Raises:
        ValueError: nothing to score, weights that do not fit or are negative, samples to score that are NaN.
    """
    data = np.asarray(recording.response)
    try:
        weight = np.broadcast_to(1.0 if weights is None else np.asarray(weights, dtype=float), data.shape)
    except (TypeError, ValueError):
        raise ValueError(f"weights must broadcast to {data.shape[0]} sweeps x {data.shape[1]} samples") from None
    if not np.all(weight >= 0):
        raise ValueError("weights must not be negative or NaN")
    weight = np.where(recording.scored, weight, 0.0)
    scored = weight > 0
    if not scored.any():
        raise ValueError("the mask and the weights leave no sample to score")
    if not np.all(np.isfinite(data[scored])):
        raise ValueError("samples that are to be scored are NaN or infinite: mask them, rec.with_mask(...)")
    return Trace(
        protocol=protocol_of(recording),
        initial=initial,
        data=jnp.asarray(np.where(scored, data, 0.0), dtype=float),
        root_weight=jnp.asarray(np.sqrt(weight), dtype=float),
        scale=jnp.asarray(scale, dtype=float),
    )
