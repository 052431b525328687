"""The page: controls on the left, the scope in the center."""

import concurrent.futures
import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

import patch_sim as ps
from patch_sim.ui.assets import asset
from patch_sim.ui.run import run, sweeps, title
from patch_sim.ui.scope import ring, scope
from patch_sim.ui.session import Sessions
from patch_sim.ui.steps import FAMILIES, Steps, label
from patch_sim.ui.traces import Traces

_RING_EVERY = 1.0 / 12.0
"""The least time between two updates of a running family, s."""


def page() -> gr.Blocks:
    """Build the page. What it shows first is simulated meanwhile, in the background."""
    preset = ps.presets.neurons()[0]
    opening = concurrent.futures.ThreadPoolExecutor(1).submit(lambda: list(sweeps(preset, Steps()))[-1])
    sessions = Sessions()
    with gr.Blocks(title="patch_sim", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as blocks:
        _header()
        with gr.Row(elem_id="rig"):
            with gr.Column(elem_id="controls"):
                cell, fields, start = _family(preset)
                file = _opener()
            with gr.Column(elem_id="bench"):
                screen = scope(_fetch_sweeps(sessions))
        cell.change(_suggest, inputs=cell, outputs=fields, show_progress="hidden", queue=False)
        blocks.load(_open_page(sessions, opening), outputs=screen, show_progress="hidden")
        gr.on(
            [start.click, *(field.submit for field in fields)],
            _run_family(sessions),
            inputs=[cell, *fields],
            outputs=screen,
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=None,
        )
        file.upload(_open_file(sessions), inputs=file, outputs=screen, show_progress="hidden", concurrency_limit=None)
        blocks.unload(_close_page(sessions))
    return blocks


def _header() -> gr.HTML:
    return gr.HTML(
        html_template=asset("header.html"),
        css_template=asset("header.css"),
        js_on_load=asset("header.js"),
        apply_default_css=False,
        elem_id="header",
    )


def _family(preset: str) -> tuple[gr.Dropdown, list[gr.Number], gr.Button]:
    """The controls of a run: the cell, a step family, and the button."""
    choices = [(title(name), name) for name in ps.presets.neurons()]
    cell = gr.Dropdown(choices, value=preset, label="Cell", elem_id="cell")
    with gr.Row(elem_id="family"):
        numbers = [
            gr.Number(getattr(Steps(), field.name), label=label(field), elem_id=f"steps-{field.name}", min_width=100)
            for field in dataclasses.fields(Steps)
        ]
    return cell, numbers, gr.Button("Run", variant="primary", elem_id="run")


def _suggest(preset: str) -> list[float]:
    """The numbers of a family that suits the cell."""
    return list(dataclasses.astuple(FAMILIES[preset]))


def _opener() -> gr.UploadButton:
    """The button that opens a recording; a file dropped on the page goes the same way."""
    file = gr.UploadButton("Open a recording", elem_id="open", size="lg")
    gr.HTML(
        "or drop it on the page: ABF, CSV, npz", js_on_load=asset("drop.js"), elem_id="drop", apply_default_css=False
    )
    return file


def _fetch_sweeps(sessions: Sessions) -> Callable[[list[Any]], dict[str, Any] | None]:
    """What the scope calls to fetch sweeps."""

    def fetch_sweeps(request: list[Any]) -> dict[str, Any] | None:
        token, revision, first = request
        session = sessions.find(token)
        if session is None or session.revision != revision or session.traces is None:
            return None
        return session.traces.message(first)

    return fetch_sweeps


def _open_page(sessions: Sessions, opening: concurrent.futures.Future[Traces]) -> Callable[..., Any]:
    def open_page(request: gr.Request) -> dict[str, Any]:
        session = sessions.of(request.session_hash)
        session.show(opening.result())
        return ring(session)

    return open_page


def _run_family(sessions: Sessions) -> Callable[..., Any]:
    def run_family(request: gr.Request, preset: str, *values: Any) -> Iterator[dict[str, Any]]:
        session = sessions.of(request.session_hash)
        rung = 0.0
        try:
            for _ in run(session, preset, Steps.parse(*values)):
                if time.monotonic() - rung >= _RING_EVERY:
                    rung = time.monotonic()
                    yield ring(session)
        except (ValueError, ps.SolverError) as error:
            yield ring(session, str(error))
        else:
            yield ring(session)

    return run_family


def _open_file(sessions: Sessions) -> Callable[..., Any]:
    def open_file(path: str, request: gr.Request) -> Iterator[dict[str, Any]]:
        session = sessions.of(request.session_hash)
        turn = session.begin()
        yield ring(session)
        error = None
        try:
            traces = _read(path)
        except ValueError as failure:
            error = str(failure)
        else:
            if session.turn == turn:
                session.show(traces)
        session.end(turn)
        yield ring(session, error)

    return open_file


def _read(path: str) -> Traces:
    """Read a recording for the scope.

    Raises:
        ValueError: it cannot be read or drawn; the message names the file as the user knows it.
    """
    name = os.path.basename(path)
    try:
        return Traces.of(ps.read(path), name)
    except ps.RecordingError as error:
        raise ValueError(f"{name} cannot be read: {error.reason}.") from error
    except ValueError as error:
        raise ValueError(f"{name} cannot be drawn: {error}.") from error


def _close_page(sessions: Sessions) -> Callable[..., None]:
    def close_page(request: gr.Request) -> None:
        sessions.free(request.session_hash)

    return close_page
