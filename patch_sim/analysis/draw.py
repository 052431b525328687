"""How the pictures of measurements look."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DATA, FIT = "#1f6fb4", "#d1495b"


def figure(rows: int, columns: int = 1, *, height: float = 3.6, share_x: bool = False) -> tuple["Figure", Any]:
    """A figure of panels, and these in reading order; the one panel itself if there is but one."""
    from matplotlib import pyplot

    made, axes = pyplot.subplots(
        rows,
        columns,
        figsize=((5.6 if columns == 1 else 4.6) * columns, height * rows),
        sharex=share_x,
        layout="constrained",
    )
    return made, axes if rows * columns == 1 else axes.ravel()


def colors(count: int) -> np.ndarray:
    """A color for each sweep, `(count, 4)`."""
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0.0, 0.9, count))


def label(axes: "Axes", x: str, y: str, title: str = "") -> None:
    """Name the axes of a panel and take away what it does not need."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, loc="left", fontsize=9, color="#444444")
    axes.spines[["top", "right"]].set_visible(False)


def missing(axes: "Axes", reason: str) -> None:
    """Say in a panel why there is nothing to see."""
    axes.set_axis_off()
    axes.text(
        0.5, 0.5, f"not measurable, because\n{reason}", ha="center", va="center", transform=axes.transAxes, wrap=True
    )


def points(axes: "Axes", x: Any, y: Any, *, color: str = DATA, text: str | None = None) -> None:
    """Draw a column over another with its error bars."""
    errors = np.nan_to_num(y.errors)
    axes.errorbar(x.values, y.values, errors if errors.any() else None, fmt="o", ms=4, color=color, label=text)
