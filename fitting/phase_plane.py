"""The plane of the voltage and its derivative, as a loss."""

import dataclasses
import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import patch_sim as ps
from fitting.measured import AbstractMeasured
from fitting.sums import check_positive
from fitting.windows import check_window


@dataclasses.dataclass(frozen=True)
class PhasePlane(AbstractMeasured):
    r"""The difference between where in the plane of V and dV/dt recorded and simulated voltage spend their time.

    $$r_{ij} = T \, (\hat n_{ij} - n_{ij}) / \sigma$$

    with the share of time $n_{ij}$ in each cell of a grid, `patch_sim.analysis.soft.phase_density`, and the length $T$
    of the window. It does not ask when a spike comes, only what it looks like and how much of the time spikes take
    (LeMasson and Maex (2001), in De Schutter (ed), Computational Neuroscience, 1-23; Van Geit, Achard and De Schutter
    (2007), Front Neuroinform 1:1). What is outside the grid is in no cell. Recordings in voltage clamp are passed over,
    and so are masks.

    Args:
        window: `(start, end)` of what is compared, ms. None: from the first to the last change of the command.
        voltage: edges of the cells, mV.
        slope: edges of the cells, mV/ms.
        sharpness: 1/mV, and per mV/ms, of the passage from cell to cell. At 0.3 passages are as wide as the cells of
            the default grid, so that a voltage is felt wherever in its cell it is.
        tolerance: of the time in each cell, ms.

    Raises:
        ValueError: edges that do not ascend, or a number that is not positive.
    """

    window: tuple[float, float] | None = None
    voltage: tuple[float, ...] = tuple(np.arange(-100.0, 61.0, 10.0).tolist())
    slope: tuple[float, ...] = (-400.0, -200.0, -100.0, -50.0, -20.0, -5.0, 5.0, 20.0, 50.0, 100.0, 200.0, 400.0)
    sharpness: float = 0.3
    tolerance: float = 0.2

    def __post_init__(self):
        check_window(self.window, "PhasePlane")
        for name in ("sharpness", "tolerance"):
            check_positive(f"PhasePlane.{name}", getattr(self, name))
        for name in ("voltage", "slope"):
            edges = getattr(self, name)
            if not isinstance(edges, tuple) or len(edges) < 3 or any(a >= b for a, b in itertools.pairwise(edges)):
                raise ValueError(f"PhasePlane.{name} must be a tuple of three ascending edges or more, not {edges!r}")

    def check(self, samples: int) -> None:
        """Whether there is a slope.

        Raises:
            ValueError: there is not.
        """
        if samples < 3:
            raise ValueError(f"PhasePlane.window holds {samples} samples, too few for a slope")

    def measure(self, voltage: Float[Array, "sweeps samples"], dt: float) -> Any:
        """The time in each cell, ms, `(sweeps, columns, rows)`."""
        edges = [jnp.asarray(edges, voltage.dtype) for edges in (self.voltage, self.slope)]
        density = ps.analysis.soft.phase_density(voltage, dt, *edges, sharpness=self.sharpness)
        return dt * voltage.shape[1] * density

    def difference(self, model: Any, data: Any) -> Float[Array, "sweeps residuals"]:
        """The residuals, cell by cell."""
        return jnp.reshape((model - data) / self.tolerance, (len(data), -1))
