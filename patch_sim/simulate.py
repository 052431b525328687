"""Run a protocol on a neuron."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from patch_sim.autodiff import with_both_modes
from patch_sim.closed_form import clamped_gates
from patch_sim.electrode import SEAL, Electrode
from patch_sim.neuron import HIGHEST_REST, LOWEST_REST, Neuron, State
from patch_sim.parameters import as_array, refreshed
from patch_sim.protocols import AbstractProtocol, Mode
from patch_sim.recording import SIGNALS, Recording
from patch_sim.solvers import (
    LANES,
    Adaptive,
    Exponential,
    PipetteEquation,
    SolverError,
    SweepEquation,
    VoltageClampEquation,
    flattened,
    in_millimolar,
    in_resting_levels,
)
from patch_sim.stability import BELOW, starting_state
from patch_sim.stimuli import AbstractStimulus, Constant
from patch_sim.units import whole_cell_capacitance, whole_cell_current

Solver: TypeAlias = Adaptive | Exponential

_DEFAULT = Adaptive()


def simulate(
    neuron: Neuron,
    protocol: AbstractProtocol,
    *,
    initial: Any = None,
    times: Float[Array, " samples"] | None = None,
    save: Sequence[str] = SIGNALS,
    solver: Solver | None = None,
    key: Any = None,
) -> Recording:
    """Record what a neuron does under a protocol.

    Works under `jit`, `vmap`, `jacfwd`, `grad`. Changing numbers (of neuron, stimulus or holding level) does
    not compile anew; changing the number of sweeps, samples or channels does.

    Args:
        neuron: the cell.
        protocol: a `CurrentClamp` or a `VoltageClamp`.
        initial: the state at time 0. None: at rest under the holding current (a cell that fires by itself has no
            stable rest and starts 10 mV below its equilibrium, see `patch_sim.stability`; the recording's warnings
            say so), or all gates at the steady state of the holding potential. A number (mV): all gates at the
            steady state of that voltage. Or the `final_state` of an earlier recording.
        times: when to record, ms, not decreasing; by default at the protocol's samples.
        save: which signals to keep, of `"voltage"`, `"measured_voltage"`, `"current"`, `"command"`,
            `"currents"`, `"states"`.
        solver: how a current clamp is solved: `Adaptive()`, as by default, or `Exponential()`, for many sweeps at once.
            A voltage clamp with a calcium pool, or through a series resistance, is always solved adaptively; any
            other needs no solver, see `patch_sim.closed_form`.
        key: of `jax.random`, for an electrode with noise.

    Returns:
        A `Recording`.

    Raises:
        ValueError: an argument that is not what it should be; nothing has been compiled then.
        SolverError: the solver gave up, or there is no resting state to start from. Inside `jit` or a
            derivative, where nothing can be raised, the sweep is NaN from that time on.
    """
    solver = _DEFAULT if solver is None else solver
    times, save = _check(neuron, protocol, times, save, solver)
    known = not any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(protocol.electrode))
    protocol = refreshed(protocol) if protocol.electrode is not None and known else protocol
    _check_electrode(protocol, times, solver, key)
    initial = check_initial(neuron, protocol, initial)
    args = (neuron, protocol, initial, times, key)
    traced = any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(args))
    recording, finite, stable = _run(*args, save=save, solver=solver, differentiable=traced)
    if isinstance(finite, Tracer):  # under `jit` it is one, even if no argument was
        return recording
    _raise_if_stopped(np.asarray(finite), recording.time, protocol, initial, solver)
    warnings = neuron.warnings + _restless(np.asarray(stable), protocol)
    return dataclasses.replace(recording, warnings=warnings) if warnings else recording


@functools.partial(jax.jit, static_argnames=("save", "solver", "differentiable"))
def _run(
    neuron: Neuron,
    protocol: AbstractProtocol,
    initial: State | Float[Array, "..."] | None,
    times: Float[Array, " samples"] | None,
    key: Any,
    *,
    save: tuple[str, ...],
    solver: Solver,
    differentiable: bool,
):
    """Simulate, as one compiled function; without the need of derivatives JAX calls it with less ado."""
    electrode = Electrode(used=()) if protocol.electrode is None else protocol.electrode
    neuron = electrode.sealed(neuron)
    grid = protocol.dt if times is None else None
    stimulus, holding = protocol.broadcast()
    command = protocol.command(times)
    times = protocol.times if times is None else times
    start, stable = _initial_states(neuron, protocol, electrode, initial)
    follow = functools.partial(_follow, neuron, protocol, electrode, solver, differentiable, grid)
    states, final_state = follow(stimulus, holding, start, times)
    if _ideally_clamped(protocol.mode, electrode):
        held = jnp.where(jnp.isfinite(states.voltage), command - electrode.shift, jnp.nan)
        states = State(held, states.gates, states.calcium)
        final_state = State(held[:, -1], final_state.gates, final_state.calcium)
    finite = jnp.sum(jnp.isfinite(states.voltage), axis=1)
    sweeps = stimulus, holding, times, command, states
    signals = _signals(neuron, protocol, electrode, *sweeps, key)
    kept = {name: signals[name] for name in save}
    mask = jnp.ones_like(command, dtype=bool)
    final_state = State(final_state.voltage, _unsealed(final_state.gates), final_state.calcium, final_state.pipette)
    kept |= {"mask": mask, "final_state": final_state, "_electrode": protocol.electrode}
    return Recording(times, protocol.mode, **kept), finite, stable


def _ideally_clamped(mode: Mode, electrode: Electrode) -> bool:
    return mode is Mode.VOLTAGE_CLAMP and "series_resistance" not in electrode.used


def _unsealed(by_channel: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in by_channel.items() if name != SEAL}


def _follow(
    neuron: Neuron,
    protocol: AbstractProtocol,
    electrode: Electrode,
    solver: Solver,
    differentiable: bool,
    grid: float | None,
    stimulus: AbstractStimulus,
    holding: Float[Array, " sweeps"],
    start: State,
    times: Float[Array, " samples"],
) -> tuple[State, State]:
    """The states of all sweeps at some times, and at the last of them."""
    clamped, args = _ideally_clamped(protocol.mode, electrode), (neuron,)
    equation = SweepEquation(clamped)
    if clamped and "shift" in electrode.used:
        stimulus = stimulus + Constant(jnp.broadcast_to(-electrode.shift, holding.shape))
    elif protocol.mode is Mode.VOLTAGE_CLAMP and not clamped:
        equation, args = VoltageClampEquation(), (neuron, electrode)
    elif start.pipette is not None:
        equation, args = PipetteEquation(), (neuron, electrode)

    if clamped and neuron.calcium is None:
        clamp = functools.partial(clamped_gates, neuron, times=times, grid=grid)
        states = State(protocol.command(None if grid else times), jax.vmap(clamp)(stimulus, holding, start))
    elif isinstance(solver, Exponential) and protocol.mode is Mode.CURRENT_CLAMP:

        def march(stimulus: AbstractStimulus, holding: Float[Array, ""], start: State) -> tuple[State, State]:
            args = neuron, stimulus, holding
            return solver.march(in_resting_levels(neuron, start), args, protocol.dt, protocol.samples)

        states, last = _each_sweep(march, stimulus, holding, start, together=True)
        return in_millimolar(neuron, states), in_millimolar(neuron, last)
    else:
        exactly = solver if isinstance(solver, Adaptive) else _DEFAULT
        static = exactly, equation, None if grid is None else grid * (protocol.samples - 1)
        if differentiable:
            solve = with_both_modes(_solve_forward, _solve_reverse, *static)
        else:
            solve = functools.partial(_solve_forward, *static)
        states = _each_sweep(lambda *sweep: solve(args, *sweep, times), stimulus, holding, start)
    return states, jax.tree.map(lambda x: x[:, -1], states)


def _each_sweep(function: Callable[..., Any], *sweeps: Any, together: bool = False) -> Any:
    """Call a function for one sweep after the other, or for many in lockstep; for a single one without their axis."""
    if all(leaf.shape[0] == 1 for leaf in jax.tree.leaves(sweeps)):
        return jax.tree.map(lambda x: x[None], function(*jax.tree.map(lambda x: x[0], sweeps)))
    lanes = LANES if together and jax.default_backend() == "cpu" else len(jax.tree.leaves(sweeps)[0])
    return jax.lax.map(lambda sweep: function(*sweep), sweeps, batch_size=lanes if together else None)


def _initial_states(
    neuron: Neuron, protocol: AbstractProtocol, electrode: Electrode, initial: Any
) -> tuple[State, Bool[Array, " sweeps"]]:
    """The state of each sweep at time 0, and False where it should have been a stable rest and is not."""
    holding, sweeps = protocol.holding, (protocol.sweeps,)
    stable = jnp.ones(sweeps, dtype=bool)
    if isinstance(initial, State):
        seal = {SEAL: {}} if SEAL in neuron.channels else {}
        start = State(initial.voltage, {**initial.gates, **seal}, initial.calcium, initial.pipette)
    elif initial is not None:
        start = neuron.steady_state(jnp.broadcast_to(initial, sweeps))
    elif protocol.mode is Mode.CURRENT_CLAMP:
        start, stable = _each_sweep(functools.partial(starting_state, neuron), holding)
    elif _ideally_clamped(protocol.mode, electrode):
        start = neuron.steady_state(holding - electrode.shift)
    else:
        held = _each_sweep(lambda command: electrode.clamped(neuron, command).resting_state().voltage, holding)
        start = neuron.steady_state(held)
    pipette = start.pipette
    if protocol.mode is Mode.VOLTAGE_CLAMP or "capacitance" not in electrode.used:
        pipette = None
    elif pipette is None:
        pipette = electrode.pipette(start.voltage, holding)
    start = State(start.voltage, start.gates, start.calcium, pipette)
    return jax.tree.map(lambda x: jnp.broadcast_to(x, sweeps), (start, stable))


def _solve(
    adjoint: diffrax.AbstractAdjoint,
    solver: Adaptive,
    equation: SweepEquation,
    end: float | None,
    rig: tuple[Any, ...],
    stimulus: AbstractStimulus,
    holding: Float[Array, ""],
    start: State,
    times: Float[Array, " samples"],
) -> State:
    """Solve one sweep; what the solver did not reach is NaN.

    Where the end (ms) is known to the compiler, it does itself what diffrax does with it in a thousand operations.
    """
    neuron, *electrode = rig
    last = times[-1] if end is None else jnp.asarray(end, times.dtype)
    term, y0 = flattened(equation, in_resting_levels(neuron, start))
    solution = diffrax.diffeqsolve(
        term,
        solver.method_for(neuron),
        t0=jnp.zeros_like(times[0]),
        t1=solver.stop(last),
        dt0=jnp.full_like(times[0], solver.first_step),
        y0=y0,
        args=(neuron, stimulus, holding, *electrode),
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=solver.controller(stimulus.edges(None), last),
        adjoint=adjoint,
        max_steps=solver.max_steps,
        throw=False,
    )
    reached = jnp.where(jnp.isfinite(solution.ys), solution.ys, jnp.nan)
    return in_millimolar(neuron, jax.vmap(term.unravel)(reached))


def _solve_forward(*args: Any) -> State:
    return _solve(diffrax.ForwardMode(), *args)


def _solve_reverse(*args: Any) -> State:
    return _solve(diffrax.RecursiveCheckpointAdjoint(), *args)


def _signals(
    neuron: Neuron,
    protocol: AbstractProtocol,
    electrode: Electrode,
    stimulus: AbstractStimulus,
    holding: Float[Array, " sweeps"],
    times: Float[Array, " samples"],
    command: Float[Array, "sweeps samples"],
    states: State,
    key: Any,
) -> dict[str, Any]:
    """What is recorded, out of the states; XLA drops what is not saved."""
    densities = neuron.currents(states)
    currents = {name: whole_cell_current(density, neuron.area) for name, density in densities.items()}
    v, charging = states.voltage, functools.partial(_charging, stimulus, holding, times)
    if protocol.mode is Mode.CURRENT_CLAMP:
        pipette = electrode.pipette(v, command) if states.pipette is None else states.pipette
        measured = electrode.reported(pipette - 1e-3 * electrode.compensation.bridge * command, protocol.dt, key)
        current = command
    elif _ideally_clamped(protocol.mode, electrode):
        charge = whole_cell_capacitance(neuron.capacitance, neuron.area) + electrode.free_capacitance
        measured, current = v + electrode.shift, charging(charge) + sum(currents.values())
    else:
        entering = electrode.clamp_current(command, v)
        measured, current = electrode.pipette(v, entering), entering + charging(electrode.free_capacitance)
    if protocol.mode is Mode.VOLTAGE_CLAMP:
        current = electrode.reported(current, protocol.dt, key)
    return {
        "voltage": v,
        "measured_voltage": measured if electrode.used else v,
        "current": current,
        "command": command,
        "currents": _unsealed(currents),
        "states": {f"{name}.{key}": x for name, gates in states.gates.items() for key, x in gates.items()}
        | ({} if states.calcium is None else {"calcium": states.calcium}),
    }


def _charging(
    stimulus: AbstractStimulus,
    holding: Float[Array, " sweeps"],
    times: Float[Array, " samples"],
    capacitance: Float[Array, ""],
) -> Float[Array, "sweeps samples"]:
    """The current (pA) that charges a capacitance (pF) to the command; jumps take no time and are left out."""
    if stimulus.piecewise_constant:
        return jnp.zeros((holding.size, times.size), times.dtype)

    def slope(stimulus: AbstractStimulus, holding: Float[Array, ""]) -> Float[Array, " samples"]:
        return jax.jvp(lambda t: stimulus.at(t, holding), (times,), (jnp.ones_like(times),))[1]

    return capacitance * jax.vmap(slope)(stimulus, holding)


def _check(neuron: Any, protocol: Any, times: Any, save: Any, solver: Any) -> tuple[Any, tuple[str, ...]]:
    if not isinstance(neuron, Neuron):
        raise ValueError(f"neuron must be a Neuron, not {neuron!r}")
    if not isinstance(protocol, AbstractProtocol):
        raise ValueError(f"protocol must be a CurrentClamp or a VoltageClamp, not {protocol!r}")
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
    return times, save


def _check_electrode(protocol: AbstractProtocol, times: Any, solver: Any, key: Any) -> None:
    used = () if protocol.electrode is None else protocol.electrode.used
    if "noise" in used and key is None:
        raise ValueError("an electrode with noise needs a key: simulate(..., key=jax.random.key(0))")
    if times is not None and {"noise", "filter"} & set(used):
        raise ValueError("an electrode's filter and noise work at the protocol's samples, not at other times")
    if protocol.mode is Mode.CURRENT_CLAMP and "capacitance" in used:
        if "series_resistance" not in used:
            raise ValueError("in current clamp a pipette with a capacitance needs a series_resistance (MOhm) as well")
        if isinstance(solver, Exponential):
            raise ValueError("Exponential does not know the pipette's capacitance; neutralize it, or take Adaptive")


def check_initial(neuron: Neuron, protocol: AbstractProtocol, initial: Any) -> State | Float[Array, "..."] | None:
    """Make sure that a simulation can start there; see `simulate`.

    Raises:
        ValueError: what is neither None, a voltage (mV), one for each sweep, nor a state of this neuron.
    """
    if initial is None:
        return None
    sizes = ((), (1,), (protocol.sweeps,))
    if isinstance(initial, State):
        if not neuron.owns(initial):
            raise ValueError("initial is the state of a neuron with other channels")
        if any(jnp.shape(leaf) not in sizes for leaf in jax.tree.leaves(initial)):
            raise ValueError(f"initial must hold one state, or one for each of {protocol.sweeps} sweeps")
        return initial
    voltage = as_array(initial)
    if not isinstance(voltage, jax.Array):
        raise ValueError(f"initial must be None, a voltage in mV, or a recording's final_state, not {initial!r}")
    if voltage.shape not in sizes:
        raise ValueError(f"initial must be one voltage, or one for each of {protocol.sweeps} sweeps, not {initial!r}")
    if not isinstance(voltage, Tracer) and not np.all(np.isfinite(voltage)):
        raise ValueError(f"initial must be a finite voltage in mV, not {initial!r}")
    return voltage


def _restless(stable: np.ndarray, protocol: AbstractProtocol) -> tuple[str, ...]:
    """Say which sweeps do not start from a stable rest."""
    if np.all(stable):
        return ()
    holding = np.asarray(protocol.broadcast()[1])[~stable]
    levels = ", ".join(f"{level:g}" for level in np.unique(holding))
    return (f"no stable rest at {levels} pA: sweeps start settled {BELOW:g} mV below the unstable equilibrium",)


def _raise_if_stopped(finite: np.ndarray, times: Any, protocol: AbstractProtocol, initial: Any, solver: Solver) -> None:
    """Raise if some sweep did not reach its end."""
    if np.all(finite == times.shape[0]):
        return
    sweep = int(np.argmax(finite < times.shape[0]))
    if finite[sweep] == 0 and initial is None:
        holding = float(protocol.broadcast()[1][sweep])
        raise SolverError(
            f"sweep {sweep}: no resting potential between {LOWEST_REST:g} and {HIGHEST_REST:g} mV under a holding "
            f"current of {holding:g} pA; hold with less current, or start from a voltage: initial=-65.0"
        )
    marching = isinstance(solver, Exponential) and protocol.mode is Mode.CURRENT_CLAMP
    remedy = f"take shorter steps than those of {solver}" if marching else "allow more steps: Adaptive(max_steps=...)"
    raise SolverError(
        f"sweep {sweep}: the solver gave up after {float(times[finite[sweep]]):g} ms; look at the parameters and the "
        f"stimulus for values that make the equations explode, or {remedy}"
    )
