"""The page: what is set up on the left, the scope in the center, what is made of it on the right."""

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

import patch_sim as ps
from patch_sim.ui.jobs import Jobs
from patch_sim.ui.learn import learn
from patch_sim.ui.live import live
from patch_sim.ui.look import LARGEST_FILE
from patch_sim.ui.measure import measure
from patch_sim.ui.panel import asset, panel
from patch_sim.ui.rack import check, electrode_panel, protocol_panel, rack
from patch_sim.ui.run import first_state, opening
from patch_sim.ui.scope import scope
from patch_sim.ui.session import Session, Sessions
from patch_sim.ui.state import State
from patch_sim.ui.traces import Traces

Panel = Callable[[Sessions, Jobs], gr.HTML]
"""What builds a panel."""


def page(jobs: Jobs, *more: Panel) -> gr.Blocks:
    """Build the page.

    Args:
        jobs: what works for all pages.
        more: panels on the right beside those of this package, such as that of a fit.
    """
    sessions = Sessions()
    with gr.Blocks(title="patch_sim", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as blocks:
        header = panel("header", sessions, code, check, alive, page="")
        with gr.Row(elem_id="rig"):
            with gr.Column(elem_id="setup"):
                panel("tabs", sessions, elem_id="setup-tabs")
                rack(sessions)
                protocol_panel(sessions)
                electrode_panel(sessions)
            with gr.Column(elem_id="bench"):
                live(sessions)
                scope(sessions, jobs)
                file = gr.UploadButton("Open a recording", elem_id="open")
                gr.HTML(
                    html_template=f'<i data-largest="{LARGEST_FILE}"></i>',
                    js_on_load=asset("hub.js") + asset("drop.js"),
                    elem_id="drop",
                    apply_default_css=False,
                )
            with gr.Column(elem_id="results"):
                panel("tabs", sessions, elem_id="results-tabs")
                measure(sessions, jobs)
                for build in more:
                    build(sessions, jobs)
                learn(sessions)
        blocks.load(_open_page(sessions, jobs), outputs=header, show_progress="hidden", queue=False)
        file.upload(_open_file(sessions), inputs=file, outputs=header, show_progress="hidden", concurrency_limit=None)
        blocks.unload(_close_page(sessions))
    return blocks


def alive(session: Session) -> bool:
    """What a page asks now and then, to notice that the program is gone."""
    return True


def code(session: Session, state: Any) -> str:
    """The program that does what is set up."""
    return State.parse(state).code()


def _told(session: Session, news: str | None = None) -> dict[str, Any]:
    """The update that tells a page who it is and that there may be something new, or what went wrong."""
    notice = None if news is None else {"text": news, "error": True}
    # "at", since a prop that has not changed is not told
    message = {"token": session.token, "state": first_state().view(), "news": notice, "at": time.monotonic()}
    return gr.update(page=json.dumps(message))


def _open_page(sessions: Sessions, jobs: Jobs) -> Callable[..., Any]:
    def open_page(request: gr.Request) -> dict[str, Any]:
        session = sessions.of(request.session_hash)
        jobs.start(session, opening)
        return _told(session)

    return open_page


def _open_file(sessions: Sessions) -> Callable[..., Any]:
    def open_file(path: str, request: gr.Request) -> Iterator[dict[str, Any]]:
        session = sessions.of(request.session_hash)
        turn = session.begin()
        yield _told(session)
        error = None
        try:
            traces, recording = _read(path)
        except ValueError as failure:
            error = str(failure)
        else:
            if session.turn == turn:
                session.show(traces, recording)
        session.end(turn)
        yield _told(session, error)

    return open_file


def _read(path: str) -> tuple[Traces, ps.Recording]:
    """Read a recording for the scope.

    Raises:
        ValueError: it cannot be read or drawn; the message names the file as the user knows it.
    """
    name = os.path.basename(path)
    try:
        recording = ps.read(path)
        return Traces.of(recording, name), recording
    except ps.RecordingError as error:
        raise ValueError(f"{name} cannot be read: {error.reason}.") from error
    except ValueError as error:
        raise ValueError(f"{name} cannot be drawn: {error}.") from error


def _close_page(sessions: Sessions) -> Callable[..., None]:
    def close_page(request: gr.Request) -> None:
        sessions.free(request.session_hash)

    return close_page
