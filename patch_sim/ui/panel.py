"""A panel of the page: its HTML, CSS and JavaScript, and the functions that it may call."""

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import gradio as gr

from patch_sim.solvers import SolverError
from patch_sim.ui.session import Session, Sessions


def asset(name: str, package: str = "patch_sim.ui") -> str:
    """The text of a file of a package."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def panel(
    name: str,
    sessions: Sessions,
    *calls: Callable[..., Any],
    scripts: tuple[str, ...] = (),
    parts: tuple[str, ...] = (),
    styles: tuple[str, ...] = (),
    package: str = "patch_sim.ui",
    elem_id: str | None = None,
    **props: Any,
) -> gr.HTML:
    """Build a panel.

    Args:
        name: of its files.
        sessions: of all pages.
        calls: what its JavaScript may call by name, `await call("name", ...)`: each takes the session and what was
            sent, and returns what JSON can hold. A `ValueError` or `SolverError` is told to the person.
        scripts: files of `patch_sim.ui` that stand before its own.
        parts: files of its own that stand after it.
        styles: style sheets of `patch_sim.ui` that stand before its own.
        package: where its files are.
        elem_id: of its element; its name if there is only one of its kind.
        props: its props, which it can watch.
    """
    code = [asset(script) for script in ("hub.js", *scripts)]
    code += [asset(part, package) for part in (f"{name}.js", *parts)]
    return gr.HTML(
        html_template=asset(f"{name}.html", package),
        css_template="\n".join([*(asset(style) for style in styles), asset(f"{name}.css", package)]),
        js_on_load="\n".join(code),
        server_functions=[_served(sessions, call) for call in calls],
        apply_default_css=False,
        elem_id=elem_id or name,
        **props,
    )


def _served(sessions: Sessions, call: Callable[..., Any]) -> Callable[[str], str]:
    """A call as gradio serves it: JSON in, JSON out, for pages that are known."""

    def serve(request: str) -> str:
        token, values = json.loads(request)
        session = sessions.find(token)
        if session is None:
            return json.dumps({"expired": True})
        return json.dumps(_answer(session, call, values), allow_nan=False)

    serve.__name__ = call.__name__  # ty: ignore[missing-attribute]
    return serve


def _answer(session: Session, call: Callable[..., Any], values: list[Any]) -> dict[str, Any]:
    try:
        return {"value": call(session, *values)}
    except (ValueError, SolverError) as error:
        return {"error": str(error)}
