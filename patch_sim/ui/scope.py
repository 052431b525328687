"""The scope: sweeps on a canvas, response over command, on one time axis.

The component is told through its `doorbell` (a session's `doorbell()` as JSON) that there is something to fetch, and
fetches it through a server function; see `scope.js`.
"""

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from patch_sim.ui.assets import asset
from patch_sim.ui.session import Session


def scope(fetch: Callable[[list[Any]], dict[str, Any] | None]) -> gr.HTML:
    """Build the component.

    Args:
        fetch: answers `[token, revision, first]` with the sweeps from the first on, or with None if the token or
            the revision is not known (any more).
    """
    return gr.HTML(
        doorbell="",
        html_template=asset("scope.html"),
        css_template=asset("scope.css"),
        js_on_load=asset("plot.js") + asset("scope.js"),
        server_functions=[fetch],
        apply_default_css=False,
        elem_id="scope",
    )


def ring(session: Session, error: str | None = None) -> dict[str, Any]:
    """The update that tells the scope of a page what to fetch, or what went wrong."""
    return gr.update(doorbell=json.dumps(session.doorbell(error)))
