"""Many cells under one protocol: in chunks of bounded memory, on all devices."""

import dataclasses
import functools
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Bool

from patch_sim.atomic import replacing
from patch_sim.neuron import Neuron
from patch_sim.packing import Layout, packed, unpacked
from patch_sim.parameters import check, limits, match, parameters, with_parameters
from patch_sim.progress import Progress
from patch_sim.protocols import AbstractProtocol
from patch_sim.recording import SIGNALS, Recording
from patch_sim.simulate import Solver, simulate
from patch_sim.solvers import LANES, Adaptive, Exponential
from patch_sim.start import check_initial

Reduce: TypeAlias = Callable[[Recording], Any]

_PROTOCOL = "protocol."
_CHUNK = 16384  # sweeps between two looks at the progress
_UNROLL = 4  # steps compiled as one piece on a GPU, which otherwise waits for its kernels to be launched
_SAVE_EVERY = 10.0  # s
_GIGABYTE = 1e9


class Ensemble(eqx.Module):
    """What many cells did.

    Attributes:
        members: what distinguishes them: by path an array, `(members,)`.
        values: what `reduce` returned for each member, or without it the saved signals by name, all with a first
            axis of members: `values["voltage"]` is `(members, sweeps, samples)`.
        derivatives: by parameter path, the derivative of `values`, built like these; empty if none was asked for.
        finite: which members were solved to the end; the values of the others mean nothing.
        neuron: what the members have in common.
        protocol: what they all were under.
    """

    members: dict[str, np.ndarray]
    values: Any
    derivatives: dict[str, Any]
    finite: Bool[np.ndarray, " members"]
    neuron: Neuron
    protocol: AbstractProtocol

    def __len__(self) -> int:
        return self.finite.size

    def cell(self, index: int) -> Neuron:
        """One member as a neuron."""
        return _of_member(self.neuron, self.protocol, {path: column[index] for path, column in self.members.items()})[0]

    def recording(self, index: int) -> Recording:
        """What was recorded from one member.

        Raises:
            ValueError: the recordings were reduced to something else.
        """
        if not isinstance(self.values, dict) or not set(self.values) <= set(SIGNALS):
            raise ValueError("the recordings of this ensemble were reduced; its values are what is left of them")
        signals = jax.tree.map(lambda x: jnp.asarray(x[index]), self.values)
        return Recording(self.protocol.times, self.protocol.mode, **signals)


def grid(axes: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Every combination of some values, as a table for `ensemble`; the last path changes fastest."""
    columns = [np.atleast_1d(np.asarray(values, dtype=float)) for values in axes.values()]
    return {path: mesh.ravel() for path, mesh in zip(axes, np.meshgrid(*columns, indexing="ij"), strict=True)}


def draw(
    bounds: Mapping[str, tuple[float, float]], members: int, *, seed: int, log: bool = False
) -> dict[str, np.ndarray]:
    """Random values between bounds, as a table for `ensemble`: evenly spread, or their logarithms so.

    Raises:
        ValueError: bounds that are not in order, or not positive for a logarithm.
    """
    rng = np.random.default_rng(seed)
    table = {}
    for path, (low, high) in bounds.items():
        if not (math.isfinite(high - low) and low < high and (low > 0 or not log)):
            raise ValueError(f"{path}: {low!r} to {high!r} are no bounds{' of a logarithm' if log else ''}")
        unit = rng.random(members)
        table[path] = low * (high / low) ** unit if log else low + (high - low) * unit
    return table


def ensemble(
    neuron: Neuron,
    protocol: AbstractProtocol,
    members: Mapping[str, Any],
    *,
    reduce: Reduce | None = None,
    derivatives: Sequence[str] = (),
    initial: Any = None,
    save: Sequence[str] = ("voltage",),
    solver: Solver | None = None,
    memory: float = 1.0,
    devices: Sequence[Any] | None = None,
    progress: bool | Callable[[str], None] = True,
    file: str | os.PathLike[str] | None = None,
    key: Any = None,
) -> Ensemble:
    """Run one protocol on many variants of a neuron.

    The members are worked off in chunks, so that memory stays bounded, and spread over the devices: GPUs, or as many
    CPU devices as JAX was told to show. Each is computed alone or in a lane of its own, by the same compiled code:
    the result does not depend on the size of the chunks, the number of devices, or the order.

    Args:
        neuron: what the members have in common.
        protocol: a clamp with one or more sweeps, which every member gets.
        members: a table: by parameter path (or pattern, see `match`) one value for each member. Numbers of the protocol
            are `"protocol.stimulus.amplitude"` and the like. See `grid` and `draw`.
        reduce: what to keep of each member's recording: a function of JAX operations from a `Recording` to arrays.
            The recording itself is then never stored. Pass the same function again, not a new lambda, and nothing
            compiles anew.
        derivatives: paths (or patterns) of the neuron's parameters by which to differentiate what is kept.
        initial: as of `simulate`; one state for all.
        save: the signals that `reduce` sees, or that are kept.
        solver: as of `simulate`; None for `Adaptive()` on a CPU, where it is both fast and exact, and `Exponential()`
            on other devices, where only sweeps in lockstep are fast. For a cell without Markov channels
            `Exponential(0.025)` is several times faster on a CPU too, at spike times to 0.01 ms or so.
        memory: GB that may be used, the results included.
        devices: on which to run; None for all.
        progress: whether to show it (of what takes more than two seconds), or a function that takes each line.
        file: where to keep what is done so far. If it is there from an interrupted run of the same work, that is where
            this one goes on.
        key: of `jax.random`, for an electrode with noise; every member draws its own.

    Raises:
        KeyError: a path that names nothing.
        ValueError: columns of different lengths, results that need more than the memory, a file of other work.
    """
    devices = jax.devices() if devices is None else list(devices)
    if solver is None:
        solver = Adaptive() if devices[0].platform == "cpu" else Exponential()
    columns = _columns(neuron, protocol, members)
    size = next(iter(columns.values())).size
    wanted = match(neuron, *derivatives) if derivatives else ()
    work = {"reduce": reduce, "save": tuple(save), "solver": solver, "wanted": wanted}
    shared = neuron, protocol, check_initial(neuron, protocol, initial), key
    first = {path: column[0] for path, column in columns.items()}
    numbers, layout = packed(shared[:3])
    kept = _one.eval_shape(numbers, key, (first, jnp.zeros((), dtype=int)), layout=layout, **work)
    plan = _plan(size, kept, len(wanted), protocol, solver, memory, devices)
    mesh = Mesh(np.asarray(devices), ("members",))
    run = functools.partial(_chunk, numbers, key, layout=layout, mesh=mesh, lanes=plan[0], **work)

    store = _Store(size, kept, file, None if file is None else _fingerprint(shared, columns, work))
    show = Progress(progress)
    try:
        for start, stop, values in _chunks(run, columns, store.done, plan[1]):
            store.add(start, stop, values)
            rate = (stop - store.resumed) / show.seconds
            show.show(f"{stop:,} of {size:,} members, {rate:,.0f} a second")
    finally:
        store.save()
        show.close()
    values, slopes, finite = store.result
    return Ensemble(columns, values, slopes, finite, neuron, protocol)


def _chunks(run: Callable[..., Any], columns: dict[str, np.ndarray], done: int, length: int) -> Iterator[Any]:
    """The members from `done` on, `length` at a time; while one chunk is fetched, the next is computed."""
    size = next(iter(columns.values())).size
    pending = None
    for start in range(done, size, length):
        stop = min(start + length, size)
        rows = np.minimum(np.arange(start, start + length), size - 1)  # the last member fills up the last chunk
        row = {path: jnp.asarray(column[rows]) for path, column in columns.items()}
        begun = start, stop, run((row, jnp.asarray(rows)))
        if pending is not None:
            yield pending
        pending = begun
    if pending is not None:
        yield pending


@functools.partial(jax.jit, static_argnames=("layout", "reduce", "save", "solver", "wanted", "mesh", "lanes"))
def _chunk(numbers: Any, key: Any, members: Any, *, layout: Layout, mesh: Mesh, lanes: int, **work: Any) -> Any:
    """Some members: those of a device in blocks of as many as run in lockstep, one block after the other."""
    if isinstance(work["solver"], Exponential) and mesh.devices.flat[0].platform != "cpu":
        work["solver"] = dataclasses.replace(work["solver"], unroll=max(_UNROLL, work["solver"].unroll))

    def on_one_device(numbers: Any, key: Any, members: Any) -> Any:
        def of_all(member: Any) -> Any:
            return jax.lax.map(member, members, batch_size=lanes) if lanes > 1 else jax.lax.map(member, members)

        return _kept(*unpacked(numbers, layout), key, of_all, **work)

    everywhere, apart = PartitionSpec(), PartitionSpec("members")
    specs = everywhere, everywhere, apart
    sharded = jax.shard_map(on_one_device, mesh=mesh, in_specs=specs, out_specs=apart, check_vma=False)
    return sharded(numbers, key, members)


def _kept(
    neuron: Neuron,
    protocol: AbstractProtocol,
    initial: Any,
    key: Any,
    of_all: Callable[[Callable[..., Any]], Any],
    *,
    wanted: tuple[str, ...],
    **work: Any,
) -> tuple[Any, dict[str, Any], Any]:
    """What is kept of some members, its derivatives by shifts that all share, and which were solved to the end."""

    def keep(shift: Mapping[str, Any]) -> tuple[Any, Any]:
        kept, finite = of_all(functools.partial(_member, neuron, protocol, initial, key, shift, **work))
        return kept, (kept, finite)

    still = {path: jnp.zeros_like(parameters(neuron)[path]) for path in wanted}
    if not wanted:
        kept, finite = keep(still)[1]
        return kept, {}, finite
    slopes, (kept, finite) = jax.jacfwd(keep, has_aux=True)(still)
    by_path = jax.tree.transpose(jax.tree.structure(kept), jax.tree.structure(still), slopes)
    return kept, by_path, finite


def _member(
    neuron: Neuron,
    protocol: AbstractProtocol,
    initial: Any,
    key: Any,
    shift: Mapping[str, Any],
    member: tuple[Mapping[str, Any], Any],
    *,
    reduce: Reduce | None,
    save: tuple[str, ...],
    solver: Solver,
) -> tuple[Any, Any]:
    """What is kept of one member whose parameters are shifted, and whether it was solved to the end."""
    row, number = member
    cell, clamp = _of_member(neuron, protocol, row)
    own_key = None if key is None else jax.random.fold_in(key, number)
    shifted = with_parameters(cell, {path: parameters(cell)[path] + by for path, by in shift.items()})
    recording = simulate(shifted, clamp, initial=initial, save=save, solver=solver, key=own_key)
    kept = {name: getattr(recording, name) for name in save} if reduce is None else reduce(recording)
    last: Any = recording.final_state
    solved = [jnp.all(jnp.isfinite(part)) for part in jax.tree.leaves((last.voltage, last.calcium))]
    return kept, jnp.all(jnp.stack(solved))


@functools.partial(jax.jit, static_argnames=("layout", "reduce", "save", "solver", "wanted"))
def _one(numbers: Any, key: Any, member: Any, *, layout: Layout, **work: Any) -> Any:
    """The same of one member: knows the shape of what is kept without tracing it at each call."""
    return _kept(*unpacked(numbers, layout), key, lambda of: of(member), **work)


def _of_member(neuron: Neuron, protocol: AbstractProtocol, row: Mapping[str, Any]) -> tuple[Neuron, AbstractProtocol]:
    """The neuron and the protocol of one row of the table."""
    own = {path: value for path, value in row.items() if not path.startswith(_PROTOCOL)}
    current = parameters(protocol)
    clamp = {path.removeprefix(_PROTOCOL): value for path, value in row.items() if path.startswith(_PROTOCOL)}
    clamp = {path: jnp.broadcast_to(value, current[path].shape) for path, value in clamp.items()}
    return with_parameters(neuron, own), with_parameters(protocol, clamp)


def _columns(neuron: Neuron, protocol: AbstractProtocol, members: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The table, its patterns spelled out, every number checked."""
    if not members:
        raise ValueError("members must name at least one parameter and its values")
    columns = {}
    declared = limits(neuron) | {_PROTOCOL + path: limit for path, limit in limits(protocol).items()}
    for pattern, values in members.items():
        column = np.atleast_1d(np.asarray(values, dtype=float))
        if column.ndim != 1 or column.size == 0:
            raise ValueError(f"members[{pattern!r}] must be a list of numbers, not an array of shape {column.shape}")
        of_protocol = pattern.startswith(_PROTOCOL)
        names = match(protocol, pattern.removeprefix(_PROTOCOL)) if of_protocol else match(neuron, pattern)
        columns |= {(_PROTOCOL if of_protocol else "") + name: column for name in names}
    sizes = {pattern: column.size for pattern, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the columns of members have different lengths: {sizes}")
    for extreme in (np.argmin, np.argmax, _first_not_finite):  # the limits are intervals
        for path, column in columns.items():
            check(path, np.asarray(column[extreme(column)]), {**declared[path], "ndim": 0})
    return columns


def _first_not_finite(column: np.ndarray) -> int:
    return int(np.argmin(np.isfinite(column)))


def _plan(
    size: int,
    kept: Any,
    slopes: int,
    protocol: AbstractProtocol,
    solver: Solver,
    memory: float,
    devices: Sequence[Any],
) -> tuple[int, int]:
    """How many members run in lockstep, and how many make a chunk."""
    if not memory > 0:
        raise ValueError(f"memory must be a positive number of GB, not {memory!r}")
    result = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(kept))
    working = 4 * (1 + slopes) * protocol.sweeps * protocol.samples * jnp.zeros(()).dtype.itemsize
    budget = memory * _GIGABYTE
    if size * result + len(devices) * (working + 2 * result) > budget:
        need = (size * result + len(devices) * (working + 2 * result)) / _GIGABYTE
        raise ValueError(
            f"{size:,} members of {result / 1e6:,.3g} MB and the work on them need {need:,.3g} GB, and memory allows "
            f"{memory:g} GB; keep less of each (reduce=..., save=...), or allow more"
        )
    free = budget - size * result
    share = -(-size // len(devices))
    lockstep = isinstance(solver, Exponential) or devices[0].platform != "cpu"
    most = max(LANES // protocol.sweeps, 1) if devices[0].platform == "cpu" else share
    lanes = max(min(most, share, int(free / 2 / len(devices) / working)), 1) if lockstep else 1
    at_once = min(free / 4 / (len(devices) * lanes * result), _CHUNK / (len(devices) * lanes * protocol.sweeps))
    blocks = -(-share // lanes)
    chunks = -(-blocks // max(int(at_once), 1))
    return lanes, len(devices) * lanes * -(-blocks // chunks)  # of one length, so that the last is not filled up much


def _fingerprint(shared: Any, columns: dict[str, np.ndarray], work: Mapping[str, Any]) -> str:
    """What tells one piece of work from another."""
    code = getattr(getattr(work["reduce"], "__code__", None), "co_code", b"")
    digest = hashlib.sha256(code)
    leaves, structure = jax.tree.flatten((shared, columns))
    for text in (structure, list(columns), work["save"], work["solver"], work["wanted"]):
        digest.update(str(text).encode())
    for leaf in leaves:
        is_key = isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        digest.update(np.asarray(jax.random.key_data(leaf) if is_key else leaf).tobytes())
    return digest.hexdigest()


class _Store:
    """The results so far, in memory and now and then in a file."""

    def __init__(self, size: int, kept: Any, file: Any, fingerprint: str | None):
        leaves, self._structure = jax.tree.flatten(kept)
        self._arrays = [np.empty((size, *leaf.shape), leaf.dtype) for leaf in leaves]
        self._file = None if file is None else os.fspath(file)
        self._fingerprint = fingerprint
        self._saved = time.monotonic()
        self.done = self.resumed = self._read() if self._file is not None and os.path.exists(self._file) else 0

    @property
    def result(self) -> Any:
        return jax.tree.unflatten(self._structure, self._arrays)

    def add(self, start: int, stop: int, values: Any) -> None:
        for array, part in zip(self._arrays, jax.tree.leaves(values), strict=True):
            for shard in part.addressable_shards:  # each straight into its place
                first = start + (shard.index[0].start or 0)
                count = max(min(stop - first, shard.data.shape[0]), 0)  # the last chunk is filled up
                array[first : first + count] = np.asarray(shard.data)[:count]
        self.done = stop
        if time.monotonic() - self._saved > _SAVE_EVERY:
            self.save()

    def save(self) -> None:
        if self._file is None:
            return
        parts: dict[str, Any] = {f"array_{k}": array[: self.done] for k, array in enumerate(self._arrays)}
        parts |= {"fingerprint": np.array(self._fingerprint), "done": np.array(self.done)}
        with replacing(self._file) as file:
            np.savez(file, **parts)
        self._saved = time.monotonic()

    def _read(self) -> int:
        try:
            with np.load(str(self._file)) as data:
                fingerprint, done = str(data["fingerprint"]), int(data["done"])
                if fingerprint != self._fingerprint:
                    raise ValueError("it holds other cells, another protocol or other settings")
                for k, array in enumerate(self._arrays):
                    array[:done] = data[f"array_{k}"]
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"{self._file} is not the file of an interrupted run of this work: {error}") from error
        return done
