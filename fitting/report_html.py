"""A fit as one HTML file that can be mailed: it needs no other file and no network."""

import base64
import html
import io
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

import patch_sim as ps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEWEST = 3  # sweeps with different steps, to draw a curve through
_CORRECTED = (
    "The standard errors are corrected for residuals that are correlated in time; <i>x white</i> is by how much they "
    "exceed those of independent residuals. They hold if the model is right."
)
_SPREAD = "The spread is that of distinct solutions that are about as good as this one."
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
img { width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.25rem 0.7rem 0.25rem 0; border-bottom: 1px solid #e4e4e4; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.warning { background: #fff4e0; border-left: 4px solid #e0a030; padding: 0.4rem 0.8rem; margin: 0.4rem 0; }
.ok { color: #1a7f37; } .no { color: #c62828; font-weight: 600; } .small { color: #666; font-size: 0.85rem; }
code { font-size: 0.85em; overflow-wrap: anywhere; }
"""


def write_html(result: Any, path: str | os.PathLike[str]) -> None:
    """Write what a fit found, a `FitResult` (which imports this), as one HTML file; needs matplotlib."""
    sections = [
        f"<h1>Fit of {_count(result)}</h1>",
        f'<p class="small">{_made(result)}</p>',
        *(f'<p class="warning">{html.escape(warning)}</p>' for warning in result.warnings),
        "<h2>Parameters</h2>",
        _parameters(result),
        *_certificate(result),
        *_recordings(result),
        "<h2>Where from</h2>",
        _provenance(result),
    ]
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>patch_sim fit</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(sections) + "\n</body></html>\n"
    )
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)


def _count(result: Any) -> str:
    count = len(result.fingerprints)
    return f"{count} recording" + ("s" if count != 1 else "")


def _made(result: Any) -> str:
    finished = sum(np.isfinite(start.loss) for start in result.starts)
    return f"loss {result.loss:.6g} from {finished} of {len(result.starts)} starts in {result.seconds:.1f} s"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], numbers: tuple[int, ...] = ()) -> str:
    def line(cells: Iterable[str], tag: str) -> str:
        marked = ((' class="number"' if k in numbers else "", cell) for k, cell in enumerate(cells))
        return "<tr>" + "".join(f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in marked) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f'<div class="scroll"><table>{line(head, "th")}{body}</table></div>'


def _parameters(result: Any) -> str:
    rows = []
    for row, times in zip(result.estimates, result.inflation, strict=True):
        known = np.isfinite(row.standard_error)
        interval = "{:.4g} to {:.4g}".format(*_interval(result, row)) if known else "not determined"
        rows.append(
            (
                f"<code>{html.escape(row.name)}</code>",
                f"{row.value:.5g}",
                f"{row.standard_error:.2g}" if known else "&ndash;",
                "at bound" if row.at_bound else interval,
                html.escape(row.unit),
                f"{times:.2g}" if np.isfinite(times) else "&ndash;",
            )
        )
    spread = ("standard error", "95 % interval") if result.events is None else ("spread", "lowest to highest")
    head = ("parameter", "value", *spread, "unit", "x white")
    note = _CORRECTED if result.events is None else _SPREAD
    told = "".join(f"<li>{html.escape(str(direction))}</li>" for direction in result.directions)
    return _table(head, rows, (1, 2, 3, 5)) + f'<p class="small">{note}</p>' + (f"<ul>{told}</ul>" if told else "")


def _interval(result: Any, row: Any) -> tuple[float, float]:
    """The 95 % interval of a parameter; of a fit of events, what lies between its solutions."""
    if result.events is None:
        return row.interval
    index = [estimate.name for estimate in result.estimates].index(row.name)
    values = [start.values[index] for start in result.solutions]
    return min(values), max(values)


def _certificate(result: Any) -> list[str]:
    if result.certificate is None:
        return ['<p class="small">No certificate was made: result.with_certificate(fitting.certificate(result)).</p>']
    marks = {True: '<span class="ok">ok</span>', False: '<span class="no">no</span>', None: "&ndash;"}
    rows = [(html.escape(c.name), marks[c.passed], html.escape(c.said)) for c in result.certificate.checks]
    return ["<h2>Certificate</h2>", _table(("check", "", "what was found"), rows)]


def _recordings(result: Any) -> list[str]:
    if not result.recordings:
        return ['<p class="small">A loaded fit has no recordings to draw.</p>']
    found = []
    for k, (recording, initial) in enumerate(zip(result.recordings, result.initial, strict=True)):
        title = "Recording" if len(result.recordings) == 1 else f"Recording {k}"
        if result.events is not None:
            found += [f"<h2>{title}: spikes</h2>", _image(result.spikes(recording).plot(), "recorded and model")]
            continue
        unit = recording.mode.response_unit
        found.append(f"<h2>{title}: {html.escape(recording.mode.value)}, {result.rmse[k]:.4g} {unit} rms</h2>")
        found.append(_image(draw(recording, result.predict(recording, initial)), "recorded, model and residual"))
    return found


def draw(recording: ps.Recording, model: ps.Recording) -> "Figure":
    """Recording, model and residual, and the I-V or f-I curve of a family of steps."""
    from matplotlib.figure import Figure

    family = _is_family(recording)
    figure = Figure(figsize=(10, 5), layout="constrained", dpi=130)
    grid = figure.add_gridspec(2, 2 if family else 1, height_ratios=(3, 1), width_ratios=(2, 1) if family else (1,))
    top = figure.add_subplot(grid[0, 0])
    bottom = figure.add_subplot(grid[1, 0], sharex=top)
    time, unit = np.asarray(recording.time), recording.mode.response_unit
    shown, predicted = (np.where(recording.scored, np.asarray(rec.response), np.nan) for rec in (recording, model))
    for axes, values, color, width in (
        (top, shown, "0.6", 0.7),
        (top, predicted, "tab:red", 0.8),
        (bottom, predicted - shown, "0.4", 0.5),
    ):
        axes.plot(time, values.T, color=color, linewidth=width)
        axes.margins(x=0)
    top.plot([], [], color="0.6", label="recorded")
    top.plot([], [], color="tab:red", label="model")
    top.legend(frameon=False, fontsize=9)
    top.tick_params(labelbottom=False)
    top.set_ylabel("voltage (mV)" if unit == "mV" else "current (pA)")
    bottom.set_ylabel(f"residual ({unit})")
    bottom.set_xlabel("time (ms)")
    panels = [top, bottom]
    if family:
        panels.append(figure.add_subplot(grid[:, 1]))
        _curve(panels[-1], recording, model)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _is_family(recording: ps.Recording) -> bool:
    return np.unique(np.asarray(recording.command), axis=0).shape[0] >= _FEWEST


def _curve(axes: "Axes", recording: ps.Recording, model: ps.Recording) -> None:
    """f-I in current clamp; in voltage clamp the steady I-V, and the peaks'."""
    for rec, color, text in ((recording, "0.5", "recorded"), (model, "tab:red", "model")):

        def line(x: np.ndarray, y: np.ndarray, marker: str, label: str, color: str = color) -> None:
            axes.plot(x, y, marker, label=label, color=color, linewidth=1, markersize=4)

        if recording.mode is ps.Mode.CURRENT_CLAMP:
            curve = ps.analysis.fi_curve(rec)
            line(curve.current.values, curve.rate.values, "o-", text)
        else:
            curve = ps.analysis.iv_curve(rec)
            line(curve.voltage.values, curve.peak.values, "o-", f"{text}, peak")
            line(curve.voltage.values, curve.steady.values, "s--", f"{text}, steady")
    firing = recording.mode is ps.Mode.CURRENT_CLAMP
    axes.set_xlabel("current (pA)" if firing else "voltage (mV)")
    axes.set_ylabel("rate (Hz)" if firing else "current (pA)")
    axes.legend(frameon=False, fontsize=9)


def _image(figure: "Figure", text: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return f'<img alt="{text}" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _provenance(result: Any) -> str:
    rows = [("patch_sim", html.escape(result.version)), ("seed", str(result.seed))]
    rows += [(f"recording {k}, SHA-256", f"<code>{one}</code>") for k, one in enumerate(result.fingerprints)]
    return _table(("", ""), rows)
