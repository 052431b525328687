r"""Where a fit can begin: conductances with which the currents of a membrane balance at the recorded voltage.

Where the voltage is known, so are the gates, and what flows is linear in the conductances and in the capacitance. Over
any stretch of time

$$\int I_\mathrm{inj} \, dt = C \, \Delta V + \sum_k \int I_k(V(t)) \, dt,$$

which many short stretches make a problem of least squares with bounds: it has one valley, and needs no simulation.
What it finds is no fit, since the noise of the voltage is taken for the cell's. (Huys, Ahrens and Paninski (2006), J
Neurophysiol 96:872-890.)
"""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import optimize

import patch_sim as ps
from fitting.held import Held, held
from fitting.parameters import Space
from fitting.setup import Setup

_LINEAR = re.compile(
    r"(?:cells\.(?P<cell>\d+)\.)?(?:channels\.(?P<channel>[^.]+)\.(?:g_max|p_max)|(?P<charge>capacitance))"
)
_CHUNK = 25
_SMALLEST = 1e-12  # of the largest eigenvalue: what is below it is not determined


def check_warm_start(box: Space, setup: Setup, recordings: Sequence[ps.Recording]) -> None:
    """Whether there is something to find, and something to find it from.

    Raises:
        ValueError: no conductance and no capacitance is free, or leak was subtracted from a recording.
    """
    if not _linear(box, setup).any():
        names = ", ".join(box.names)
        raise ValueError(f"warm_start finds conductances and the capacitance, and of these none is free, only {names}")
    if any(recording.leak_subtraction is not None for recording in recordings):
        raise ValueError("warm_start cannot say where the charge went in a recording from which leak was subtracted")


def warm_started(
    box: Space, setup: Setup, recordings: Sequence[ps.Recording], us: np.ndarray, progress: ps.Progress
) -> np.ndarray:
    """Points with other conductances and another capacitance: those that balance best at the recorded voltage.

    What else is free (kinetics, reversals, the electrode) stays as it is at each point. A channel that depends on
    calcium takes that which enters at the upper bounds.

    Args:
        box: in which the points are.
        setup: what they change.
        recordings: what is known of the voltage.
        us: `(points, free)`.
        progress: is shown how far it is.
    """
    terms = tuple(held(recording) for recording in recordings)
    linear = _linear(box, setup)
    width = min(_CHUNK, len(us))  # one compilation serves all
    chunks = [us[k : k + width] for k in range(0, len(us), width)]

    def balanced(chunk: np.ndarray) -> np.ndarray:
        filled = np.concatenate([chunk, chunk[-1:].repeat(width - len(chunk), axis=0)])
        normal = [np.asarray(part) for part in _normal(box, setup, terms, jnp.asarray(filled))]
        return np.stack([_solved(box, linear, u, *rows) for u, *rows in zip(chunk, *normal, strict=False)])

    found: list[np.ndarray] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for points in pool.map(balanced, chunks):
            found += list(points)
            progress.show(f"balanced the currents of {len(found)} of {len(us)} points")
    return np.stack(found)


def _linear(box: Space, setup: Setup) -> np.ndarray:
    """Which of the free parameters the currents are linear in; a dendrite's coupling also moves its own potential."""
    channels = setup.neurons[0].channels

    def is_linear(path: str) -> bool:
        match = _LINEAR.fullmatch(path)
        return match is not None and not (match["channel"] and isinstance(channels[match["channel"]], ps.Dendrite))

    return np.array([all(is_linear(path) for path in targets) for targets in box.targets])


@jax.jit
def _normal(
    box: Space, setup: Setup, terms: tuple[Held, ...], us: Float[Array, "points free"]
) -> tuple[Float[Array, "points linear linear"], Float[Array, "points linear"]]:
    """The normal equations of each point, for the linear parameters as fractions of their upper bounds."""
    linear = _linear(box, setup)
    names = [targets for targets, is_linear in zip(box.targets, linear, strict=True) if is_linear]

    def of_point(u: Float[Array, " free"]) -> tuple[Array, Array]:
        rigs = box.apply(setup, jnp.where(linear, 1.0, u)).rigs
        columns, rest = zip(
            *(
                _sorted(term.balance(*rig), [_parts(targets, cell) for targets in names])
                for term, rig, cell in zip(terms, rigs, setup.cells, strict=True)
            ),
            strict=True,
        )
        a = jnp.concatenate(columns, axis=1)
        return a @ a.T, a @ jnp.concatenate(rest)

    return jax.lax.map(of_point, us)


def _sorted(balance: dict[str, Array], names: list[list[str]]) -> tuple[Array, Array]:
    """What each linear parameter stands for, `(linear, stretches)`, and what all of them together have to explain."""
    came = balance[""]
    free = {name for own in names for name in own}
    columns = [sum((balance[name] for name in own), jnp.zeros_like(came)) for own in names]
    known = sum((part for name, part in balance.items() if name and name not in free), jnp.zeros_like(came))
    return jnp.stack(columns), came - known


def _parts(targets: tuple[str, ...], cell: int) -> list[str]:
    """What of a cell some paths set: names of channels, and `"capacitance"`."""
    matches = [_LINEAR.fullmatch(path) for path in targets]
    return [m["channel"] or m["charge"] for m in matches if m and m["cell"] in (None, str(cell))]


def _solved(box: Space, linear: np.ndarray, u: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A point with the linear parameters x that solve a x = b best within their bounds."""
    if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b)) and a.any()):
        return u  # a point that cannot be simulated, or nothing known
    size, vectors = np.linalg.eigh(a)
    root, vectors = np.sqrt(size[size > _SMALLEST * size[-1]]), vectors[:, size > _SMALLEST * size[-1]]
    low, high = np.asarray(box.low)[linear], np.asarray(box.high)[linear]
    rows, right = root[:, None] * vectors.T, (vectors.T @ b) / root
    x = optimize.lsq_linear(rows, right, bounds=(low / high, np.ones_like(high)), method="bvls").x
    values = np.array(box.values(jnp.asarray(u)))
    values[linear] = x * high
    return np.where(linear, np.asarray(box.fraction(jnp.asarray(values))), u)
