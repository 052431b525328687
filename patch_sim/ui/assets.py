"""The HTML, CSS and JavaScript that stands in files of its own beside the Python that uses it."""

from importlib import resources


def asset(name: str) -> str:
    """The text of a file of this package."""
    return resources.files("patch_sim.ui").joinpath(name).read_text(encoding="utf-8")
