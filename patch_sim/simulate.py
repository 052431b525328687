"""Run a protocol on a neuron."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from patch_sim.arguments import Solver as Solver, checked
from patch_sim.autodiff import with_both_modes
from patch_sim.closed_form import clamped_gates
from patch_sim.neuron import Neuron, State
from patch_sim.patch import Patch, patched
from patch_sim.protocols import AbstractClamp, AbstractProtocol, CurrentClamp, Mode, VoltageClamp
from patch_sim.recording import SIGNALS, Recording, joined
from patch_sim.rest import HIGHEST_REST, LOWEST_REST
from patch_sim.signals import clamp_current, current_clamp_signals, membrane_signals, voltage_clamp_signals
from patch_sim.solvers import (
    Adaptive,
    Exponential,
    ImplicitGates,
    RigEquation,
    SolverError,
    SweepEquation,
    flattened,
    in_millimolar,
    in_resting_levels,
)
from patch_sim.stability import BELOW
from patch_sim.start import check_initial, each_sweep, initial_states
from patch_sim.stimuli import AbstractStimulus, Constant

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

    Works under `jit`, `vmap`, `jacfwd`, `grad`; second derivatives want `solver=Exponential()`. Changing numbers (of
    neuron, stimulus or holding level) does not compile anew; changing the number of sweeps, samples or channels does.

    Args:
        neuron: the cell.
        protocol: a `CurrentClamp`, a `VoltageClamp`, or a `MixedClamp` of both.
        initial: the state at time 0. None: at rest under the holding current (a cell that fires by itself has no
            stable rest and starts 10 mV below its equilibrium, see `patch_sim.stability`; the recording's warnings
            say so), or all gates at the steady state of the holding potential. A number (mV): all gates at the
            steady state of that voltage. Or the `final_state` of an earlier recording.
        times: when to record, ms, not decreasing; by default at the protocol's samples.
        save: which signals to keep, of `"voltage"`, `"measured_voltage"`, `"current"`, `"command"`,
            `"currents"`, `"states"`.
        solver: how a current clamp, or a voltage clamp through a series resistance, is solved: `Adaptive()`, as by
            default, or `Exponential()`, for many sweeps at once. An ideal voltage clamp with a calcium pool is always
            solved adaptively; any other needs no solver, see `patch_sim.closed_form`.
        key: of `jax.random`, for an electrode with noise.

    Returns:
        A `Recording`.

    Raises:
        ValueError: an argument that is not what it should be; nothing has been compiled then.
        SolverError: the solver gave up, or there is no resting state to start from. Inside `jit` or a
            derivative, where nothing can be raised, the sweep is NaN from that time on.
    """
    solver = _DEFAULT if solver is None else solver
    protocol, times, save = checked(neuron, protocol, times, save, solver, key)
    initial = check_initial(neuron, protocol, initial)
    if isinstance(protocol, AbstractClamp):
        return _record(neuron, protocol, initial, times, save, solver, key)
    return _record_mixed(neuron, protocol, initial, save, solver, key)


def _record_mixed(
    neuron: Neuron, protocol: Any, initial: Any, save: tuple[str, ...], solver: Solver, key: Any
) -> Recording:
    """Record one phase after the other."""
    phases: list[Recording] = []
    for number, phase in enumerate(protocol.phases):
        own_key = None if key is None else jax.random.fold_in(key, number)
        onward = number + 1 < len(protocol.phases)
        try:
            phases.append(_record(neuron, phase, initial, None, save, solver, own_key, onward=onward))
        except SolverError as error:
            raise SolverError(f"phase {number}: {error}") from error
        initial = phases[-1].final_state
    return joined(phases)


def _record(
    neuron: Neuron,
    protocol: AbstractClamp,
    initial: State | Float[Array, "..."] | None,
    times: Float[Array, " samples"] | None,
    save: tuple[str, ...],
    solver: Solver,
    key: Any,
    *,
    onward: bool = False,
) -> Recording:
    """Record in one clamp; `onward`, the final state is that at the end of the protocol, not at the last sample."""
    # Modules are taken apart here, once: JAX would do it again, for 7 % of the time that a fast sweep takes.
    leaves, structure = jax.tree.flatten((neuron, protocol, initial, times, key))
    traced = any(isinstance(leaf, Tracer) for leaf in leaves)
    recording, finite, stable = _run(
        leaves, structure=structure, save=save, solver=solver, differentiable=traced, onward=onward
    )
    if isinstance(finite, Tracer):  # under `jit` it is one, even if no argument was
        return recording
    _raise_if_stopped(np.asarray(finite), recording.time, protocol, initial, solver)
    warnings = neuron.warnings + _restless(np.asarray(stable), protocol)
    return dataclasses.replace(recording, warnings=warnings) if warnings else recording


@functools.partial(jax.jit, static_argnames=("structure", "save", "solver", "differentiable", "onward"))
@jax.default_matmul_precision("highest")  # or a GPU would multiply matrices in single precision with 10 bits
def _run(
    leaves: list[Any],
    *,
    structure: Any,
    save: tuple[str, ...],
    solver: Solver,
    differentiable: bool,
    onward: bool,
):
    """Simulate what `_record` took apart, as one compiled function."""
    neuron, protocol, initial, times, key = jax.tree.unflatten(structure, leaves)
    patch = patched(neuron, protocol)
    command = protocol.command(times)
    driven = command
    if isinstance(protocol, CurrentClamp) and "current_offset" in patch.electrode.used:
        protocol = dataclasses.replace(protocol, holding=protocol.holding + patch.electrode.current_offset)
        driven = protocol.command(times)
    grid = protocol.dt if times is None else None
    times = protocol.times if times is None else times
    follow = functools.partial(_follow, patch, solver=solver, differentiable=differentiable, grid=grid)
    start, stable = initial_states(patch, protocol, initial)
    states, last = follow(protocol, driven, start, times, onward=onward)

    signals = membrane_signals(patch, states) | {"command": command}
    report = functools.partial(patch.electrode.reported, dt=protocol.dt, key=key)
    if protocol.mode is Mode.CURRENT_CLAMP:
        current, measured = current_clamp_signals(patch, times, driven, states)
        measured = report(measured)
    else:
        current, measured = voltage_clamp_signals(patch, protocol, times, command, states)
        leak, traces = _leak(patch, protocol, start, initial is None, times, grid, follow)
        current = report(current + _current_offset(patch, protocol) - leak, traces=traces)
    signals |= {"current": current, "measured_voltage": measured}
    kept: dict[str, Any] = {name: signals[name] for name in save}
    gates = {name: gates for name, gates in last.gates.items() if name in neuron.channels}
    final_state = State(last.voltage, gates, last.calcium, last.electrode)
    kept |= {"mask": jnp.ones_like(command, dtype=bool), "final_state": final_state, "_electrode": protocol.electrode}
    if isinstance(protocol, VoltageClamp):
        kept["leak_subtraction"] = protocol.leak_subtraction
    finite = jnp.sum(jnp.isfinite(states.voltage), axis=1)
    return Recording(times, protocol.mode, **kept), finite, stable


def _current_offset(patch: Patch, protocol: AbstractClamp) -> Any:
    """What a voltage clamp reports beyond what flows, pA; leak subtraction takes it away."""
    subtracted = isinstance(protocol, VoltageClamp) and protocol.leak_subtraction is not None
    return patch.electrode.current_offset if "current_offset" in patch.electrode.used and not subtracted else 0.0


def _leak(
    patch: Patch,
    protocol: AbstractClamp,
    start: State,
    at_rest: bool,
    times: Float[Array, " samples"],
    grid: float | None,
    follow: Callable[..., tuple[State, State]],
) -> tuple[Any, int]:
    """What leak subtraction takes away (pA), and from how many traces its result is calculated."""
    if not isinstance(protocol, VoltageClamp) or protocol.leak_subtraction is None:
        return 0.0, 1
    subsweep, leak = protocol.subsweep, protocol.leak_subtraction
    own_rest = not at_rest or leak.holding is not None
    settled = initial_states(patch, subsweep, None)[0] if own_rest else start
    command = subsweep.command(None if grid else times)
    states, _ = follow(subsweep, command, settled, times, onward=False)
    current, _ = voltage_clamp_signals(patch, subsweep, times, command, states)
    moved = current - clamp_current(patch, subsweep.holding, settled)[:, None]
    return clamp_current(patch, protocol.broadcast()[1], start)[:, None] + moved / leak.factor, 1 + leak.subsweeps


def _follow(
    patch: Patch,
    protocol: AbstractClamp,
    command: Float[Array, "sweeps samples"],
    start: State,
    times: Float[Array, " samples"],
    *,
    solver: Solver,
    differentiable: bool,
    grid: float | None,
    onward: bool,
) -> tuple[State, State]:
    """The states of all sweeps at some times, and at the last of them, or `onward` at the end of the protocol."""
    samples, stimulus, holding = times.size, *protocol.broadcast()
    if onward:
        times = jnp.append(times, jnp.asarray(protocol.duration, times.dtype))
    if patch.ideally_clamped and "shift" in patch.electrode.used:
        stimulus = stimulus + Constant(jnp.broadcast_to(-patch.electrode.shift, holding.shape))
    sweeps = stimulus, holding, start
    if patch.ideally_clamped and patch.neuron.calcium is None:
        clamp = functools.partial(clamped_gates, patch.neuron, times=times, grid=grid)
        states = State(jnp.zeros((holding.size, times.size), times.dtype), jax.vmap(clamp)(*sweeps))
    elif isinstance(solver, Exponential) and not patch.ideally_clamped:
        states, last = _marched(patch, solver, protocol.dt, times.size, *sweeps)
        return jax.tree.map(lambda x: x[:, :samples], states), last
    else:
        solver = solver if isinstance(solver, Adaptive) else _DEFAULT
        end = None if grid is None else grid * (times.size - 1)
        states = _solved(patch, solver, differentiable, end, *sweeps, times)
    if patch.ideally_clamped:
        states = _held(patch, protocol, command, states)
    return jax.tree.map(lambda x: x[:, :samples], states), jax.tree.map(lambda x: x[:, -1], states)


def _held(patch: Patch, protocol: AbstractClamp, command: Float[Array, "sweeps samples"], states: State) -> State:
    """States with the voltage that is commanded; at the end of the protocol, with that up to there."""
    if states.voltage.shape[1] > command.shape[1]:
        rounding = 16.0 * jnp.finfo(command.dtype).eps * protocol.duration
        before = protocol.duration - jnp.maximum(1e-6 * protocol.dt, rounding)
        command = jnp.append(command, protocol.command(before[None]), axis=1)
    held = jnp.where(jnp.isfinite(states.voltage), command - patch.electrode.shift, jnp.nan)
    return State(held, states.gates, states.calcium)


def _marched(
    patch: Patch,
    solver: Exponential,
    dt: float,
    samples: int,
    stimulus: AbstractStimulus,
    holding: Float[Array, " sweeps"],
    start: State,
) -> tuple[State, State]:
    """The states of all sweeps in steps of constant length, and the last ones."""
    equation = SweepEquation(clamped=False) if patch.is_direct else RigEquation()
    rig, stimulus, holding, start = _in_one_precision(patch.rig(()), stimulus, holding, start)
    neuron, *outside = rig

    def march(stimulus: AbstractStimulus, holding: Float[Array, ""], start: State) -> tuple[State, State]:
        args = (neuron, stimulus, holding, *outside)
        return solver.march(equation, in_resting_levels(neuron, start), args, dt, samples)

    states, last = each_sweep(march, stimulus, holding, start, together=True)
    return in_millimolar(neuron, states), in_millimolar(neuron, last)


def _in_one_precision(*parts: Any) -> Any:
    """The same, in the precision of the most exact of their numbers: what is handed from step to step keeps its own."""
    numbers, others = eqx.partition(parts, eqx.is_inexact_array)
    dtype = jnp.result_type(*jax.tree.leaves(numbers))
    return eqx.combine(jax.tree.map(lambda x: x.astype(dtype), numbers), others)


def _solved(
    patch: Patch,
    solver: Adaptive,
    differentiable: bool,
    end: float | None,
    stimulus: AbstractStimulus,
    holding: Float[Array, " sweeps"],
    start: State,
    times: Float[Array, " samples"],
) -> State:
    """The states of all sweeps, solved adaptively, up to an end (ms) that is known now or None."""
    equation = SweepEquation(patch.ideally_clamped) if patch.is_direct else RigEquation()
    static = solver, equation, end, differentiable
    if differentiable:
        solve = with_both_modes(_solve_forward, _solve_reverse, *static)
    else:
        solve = functools.partial(_solve_forward, *static)

    def sweep(conductances: Any, *sweep: Any) -> State:
        return solve(patch.rig(conductances), *sweep, times)

    return each_sweep(sweep, patch.conductances, stimulus, holding, start)


def _solve(
    adjoint: diffrax.AbstractAdjoint,
    solver: Adaptive,
    equation: SweepEquation,
    end: float | None,
    differentiable: bool,
    rig: tuple[Any, ...],
    stimulus: AbstractStimulus,
    holding: Float[Array, ""],
    start: State,
    times: Float[Array, " samples"],
) -> State:
    """Solve one sweep; what the solver did not reach is NaN.

    Where the end (ms) is known to the compiler, it does itself what diffrax does with it in a thousand operations.
    """
    neuron, *outside = rig
    args = (neuron, stimulus, holding, *outside)
    last = times[-1] if end is None else jnp.asarray(end, times.dtype)
    term, y0 = flattened(equation, in_resting_levels(neuron, start))
    method = solver.method_for(neuron)
    stable = term if differentiable and not isinstance(method, ImplicitGates) else None
    controller = solver.controller(equation.edges(args), last, equation.longest_step(args), stable)
    solution = diffrax.diffeqsolve(
        term,
        method,
        t0=jnp.zeros_like(times[0]),
        t1=solver.stop(last),
        dt0=controller.first_step,
        y0=y0,
        args=args,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=controller,
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


def _restless(stable: np.ndarray, protocol: AbstractClamp) -> tuple[str, ...]:
    """Say which sweeps do not start from a stable rest."""
    if np.all(stable):
        return ()
    holding = np.asarray(protocol.broadcast()[1])[~stable]
    levels = ", ".join(f"{level:g}" for level in np.unique(holding))
    return (f"no stable rest at {levels} pA: sweeps start settled {BELOW:g} mV below the unstable equilibrium",)


def _raise_if_stopped(finite: np.ndarray, times: Any, protocol: AbstractClamp, initial: Any, solver: Solver) -> None:
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
    marching = isinstance(solver, Exponential)
    remedy = f"take shorter steps than those of {solver}" if marching else "allow more steps: Adaptive(max_steps=...)"
    raise SolverError(
        f"sweep {sweep}: the solver gave up after {float(times[finite[sweep]]):g} ms; look at the parameters and the "
        f"stimulus for values that make the equations explode, or {remedy}"
    )
