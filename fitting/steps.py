"""Steps of Levenberg-Marquardt that know the box they are in."""

import numpy as np

LONGEST = 0.25  # of a parameter's range
_ROUNDS = 20  # five were enough for any problem that was tried


def damped(
    u: np.ndarray, slope: np.ndarray, curvature: np.ndarray, dampings: np.ndarray, least: float = 1e-12
) -> np.ndarray:
    r"""Where damped Gauss-Newton steps lead from a point.

    $$\min_\delta \; (J^T r)^T \delta + \tfrac12 \, \delta^T (J^T J + \lambda \, \mathrm{diag}(J^T J)) \, \delta$$

    over the steps that stay in the box and go at most a quarter of the way through it in any coordinate. What would go
    further is held where it may go, and all others move as they must if it is: the free minimum, cut to fit, leads
    nowhere where parameters trade off, and one that hardly matters would stop all others. By the primal-dual active set
    method: Hintermüller, Ito and Kunisch (2002), SIAM J Optim 13:865-888.

    Args:
        u: the point, in the box, `(free,)`.
        slope: $J^T r$, `(free,)`.
        curvature: $J^T J$, `(free, free)`.
        dampings: $\lambda$, `(steps,)`.
        least: of the diagonal, relative to its largest.

    Returns:
        Points in the box, `(steps, free)`.
    """
    scale = np.diag(curvature)
    scale = np.maximum(scale, max(least * scale.max(), 1e-200))
    quadratic = curvature + np.asarray(dampings)[:, None, None] * np.diag(scale)
    low, high = np.maximum(-u, -LONGEST), np.minimum(1.0 - u, LONGEST)
    return np.clip(u + _lowest(quadratic, slope, low, high), 0.0, 1.0)


def _lowest(quadratic: np.ndarray, slope: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where some quadratic functions of one slope are lowest between bounds, `(functions, free)`."""
    step = np.linalg.solve(quadratic, np.broadcast_to(-slope, quadratic.shape[:2])[..., None])[..., 0]
    stiffness = np.diagonal(quadratic, axis1=1, axis2=2)
    force = np.zeros_like(step)  # with which a bound is pressed
    held: np.ndarray | None = None
    for _ in range(_ROUNDS):
        at_high, at_low = force + stiffness * (step - high) > 0.0, force + stiffness * (step - low) < 0.0
        now = at_high.astype(int) - at_low
        if held is not None and np.array_equal(now, held):
            break
        held, free = now, now == 0
        fixed = np.where(at_high, high, np.where(at_low, low, 0.0))
        pull = -slope - np.einsum("sij,sj->si", quadratic, fixed)
        inner = np.where(free[:, :, None] & free[:, None, :], quadratic, 0.0) + ~free[:, :, None] * np.eye(len(slope))
        step = np.linalg.solve(inner, np.where(free, pull, fixed)[..., None])[..., 0]
        force = np.where(free, 0.0, -slope - np.einsum("sij,sj->si", quadratic, step))
    return np.clip(step, low, high)
