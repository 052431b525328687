"""What a simulation is asked for, made sure of before anything compiles."""

from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from patch_sim.memory import physical_memory
from patch_sim.neuron import Neuron
from patch_sim.parameters import refreshed
from patch_sim.protocols import AbstractClamp, AbstractProtocol, CurrentClamp, Mode
from patch_sim.recording import SIGNALS
from patch_sim.solvers import Adaptive, Exponential

Solver: TypeAlias = Adaptive | Exponential

_SURELY_FITS = 1_000_000  # samples of any cell


def checked(
    neuron: Any, protocol: Any, times: Any, save: Any, solver: Any, key: Any
) -> tuple[Any, Any, tuple[str, ...]]:
    """The protocol, the times (ms) and the names of the signals, as a simulation takes them.

    Raises:
        ValueError: what it cannot take; see `patch_sim.simulate`.
    """
    if not isinstance(neuron, Neuron):
        raise ValueError(f"neuron must be a Neuron, not {neuron!r}")
    if not isinstance(protocol, AbstractProtocol):
        raise ValueError(f"protocol must be a CurrentClamp, a VoltageClamp or a MixedClamp, not {protocol!r}")
    if not isinstance(solver, Solver):
        raise ValueError(f"solver must be an Adaptive or an Exponential, not {solver!r}")
    if isinstance(solver, Exponential) and times is not None:
        raise ValueError("Exponential records at the protocol's samples; other times need Adaptive")
    save = (save,) if isinstance(save, str) else tuple(save)
    unknown = set(save) - set(SIGNALS)
    if unknown:
        raise ValueError(f"save knows {', '.join(SIGNALS)}, not {', '.join(map(repr, sorted(unknown)))}")
    if times is not None and not isinstance(times, Tracer):
        concrete = np.asarray(times, dtype=float)
        if concrete.ndim != 1 or concrete.size == 0 or not np.all(np.isfinite(concrete)):
            raise ValueError("times must be a list of finite times in ms")
        if concrete[0] < 0 or np.any(np.diff(concrete) < 0):
            raise ValueError("times (ms) must not be negative and must not decrease")
        times = jnp.asarray(concrete, dtype=float)
    if times is not None and not isinstance(protocol, AbstractClamp):
        raise ValueError("a MixedClamp is recorded at its samples, not at other times")
    _check_size(neuron, protocol.sweeps, protocol.samples if times is None else times.shape[0], save)
    clamps = [protocol] if isinstance(protocol, AbstractClamp) else protocol.phases
    if any(clamp.electrode is not None and clamp.electrode.refreshed() is not clamp.electrode for clamp in clamps):
        protocol = refreshed(protocol)
        clamps = [protocol] if isinstance(protocol, AbstractClamp) else protocol.phases
    for clamp in clamps:
        if (clamp.electrode is not None and clamp.electrode.used) or isinstance(solver, Exponential):
            _check_electrode(clamp, times, solver, key)
    return protocol, times, save


def _check_size(neuron: Neuron, sweeps: int, samples: int, save: tuple[str, ...]) -> None:
    """Make sure that memory holds the states that are solved for and the signals that are saved."""
    if sweeps * samples < _SURELY_FITS:
        return
    states = sum(len(channel.state_names) for channel in neuron.channels.values()) + 1 + (neuron.calcium is not None)
    signals = {"currents": len(neuron.channels), "states": states - 1}
    arrays = states + sum(signals.get(name, 1) for name in save)
    needed, there = arrays * sweeps * samples * jnp.zeros(()).dtype.itemsize, physical_memory()
    if needed > there:
        raise ValueError(
            f"{sweeps} sweep{'s' * (sweeps != 1)} of {samples:,} samples need {needed / 1e9:,.3g} GB, and this machine "
            f"has {there / 1e9:,.3g} GB: make the protocol shorter, its dt longer, save less, or use an ensemble"
        )


def _check_electrode(protocol: AbstractClamp, times: Any, solver: Any, key: Any) -> None:
    used = () if protocol.electrode is None else protocol.electrode.used
    if "noise" in used and key is None:
        raise ValueError("an electrode with noise needs a key: simulate(..., key=jax.random.key(0))")
    if times is not None and {"noise", "filter"} & set(used):
        raise ValueError("an electrode's filter and noise work at the protocol's samples, not at other times")
    needy = {Mode.CURRENT_CLAMP: ("capacitance",), Mode.VOLTAGE_CLAMP: ("lag", "slow_capacitance")}[protocol.mode]
    for name in needy:
        if name in used and "series_resistance" not in used:
            what = {"capacitance": "a pipette with a capacitance", "lag": "a lag"}.get(name, "slow cancellation")
            raise ValueError(f"in {protocol.mode.value} {what} needs a series_resistance (MOhm) as well")
    if isinstance(solver, Exponential) and protocol.mode is Mode.CURRENT_CLAMP:
        if "capacitance" in used:
            raise ValueError("Exponential does not know the pipette's capacitance; neutralize it, or take Adaptive")
        if isinstance(protocol, CurrentClamp) and protocol.dynamic_clamp is not None:
            raise ValueError("Exponential does not know a dynamic clamp; take Adaptive")
