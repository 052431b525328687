"""How a fit is read, kept and drawn."""

import dataclasses
import html.parser
import json

import equinox as eqx
import numpy as np
import pytest

import fitting
import patch_sim as ps

CELL = ps.presets.neuron("squid_axon")
CLAMP = ps.VoltageClamp(ps.Step([20.0, 60.0], 1.0, 5.0), duration=8.0, dt=0.2, holding=-70.0)
NAN = float("nan")


def result(**changes) -> fitting.FitResult:
    estimates = (
        fitting.Estimate("channels.Na.g_max", 120.0, 1.25, "mS/cm2", 1.0, 1000.0, False),
        fitting.Estimate("channels.K.g_max", 36.0, float("inf"), "mS/cm2", 1.0, 100.0, False),
        fitting.Estimate("channels.Leak.g_max", 3.0, NAN, "mS/cm2", 0.01, 3.0, True),
    )
    correlation = np.array([[1.0, -0.9, NAN], [-0.9, 1.0, NAN], [NAN, NAN, NAN]])
    starts = (fitting.Start(1.5, (120.0, 36.0, 3.0), 7, True), fitting.Start(float("inf"), (1.0, 2.0, 3.0), 0, False))
    values = {
        "neurons": (CELL,),
        "loss": 1.5,
        "rmse": (1.5, 3.0),
        "estimates": estimates,
        "correlation": correlation,
        "starts": starts,
        "warnings": ("at a bound: channels.Leak.g_max",),
        "seconds": 2.5,
    }
    return fitting.FitResult(**(values | changes))


@pytest.fixture(scope="module")
def recording() -> ps.Recording:
    return ps.simulate(CELL, CLAMP)


def test_the_table_prints():
    lines = str(result().table()).splitlines()
    assert lines[0].split() == ["parameter", "value", "standard", "error", "unit"]
    assert lines[1].split() == ["channels.Na.g_max", "120", "1.2", "mS/cm2"]
    assert lines[2].split() == ["channels.K.g_max", "36", "inf", "mS/cm2"]
    assert lines[3].split() == ["channels.Leak.g_max", "3", "nan", "mS/cm2", "at", "bound"]
    assert repr(result().table()) == str(result().table())


def test_the_result_prints():
    said = str(result())
    assert said.startswith("loss 1.5 from 1 of 2 starts in 2.5 s")
    assert str(result().table()) in said
    assert "worst determined pair: channels.Na.g_max and channels.K.g_max, correlation -0.900" in said
    assert said.endswith("warning: at a bound: channels.Leak.g_max")


def test_worst_pair():
    assert result().worst_pair == ("channels.Na.g_max", "channels.K.g_max", -0.9)
    assert result(correlation=np.full((3, 3), NAN)).worst_pair is None
    assert result(estimates=result().estimates[:1], correlation=np.ones((1, 1))).worst_pair is None


def test_save_and_load(tmp_path):
    path = tmp_path / "fit.json"
    result().save(path)
    back = fitting.load(path)
    assert eqx.tree_equal(back.neurons, (CELL,))
    np.testing.assert_array_equal(back.correlation, result().correlation)
    for field in dataclasses.fields(back):
        if field.name not in ("neurons", "correlation", "estimates"):
            assert getattr(back, field.name) == getattr(result(), field.name), field.name
    assert str(back) == str(result())  # NaN, which is not equal to itself, and inf included


def test_fingerprints(recording):
    same = ps.simulate(CELL, CLAMP)
    assert fitting.fingerprint(recording) == fitting.fingerprint(same)
    off = eqx.tree_at(lambda rec: rec.current, recording, recording.current.at[0, 0].add(1.0))
    assert len({fitting.fingerprint(one) for one in (recording, off, recording.mask_edges(1.0))}) == 3


class Page(html.parser.HTMLParser):
    """What a page says and what it would load."""

    def __init__(self, text: str):
        super().__init__()
        self.sources, self.said = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.said.append(data)


def test_the_report_is_one_file_that_says_all(tmp_path, recording):
    check = fitting.Check("residuals", False, "something <odd>")
    family = ps.simulate(CELL, ps.CurrentClamp(ps.Step([0.0, 100.0, 200.0], 2.0, 20.0), duration=25.0, dt=0.1))
    full = result(
        recordings=(recording.mask_edges(1.0), family),
        initial=(None, None),
        certificate=fitting.Certificate((check,)),
        fingerprints=("ab" * 32, "cd" * 32),
        seed=7,
    )
    full.report(tmp_path / "fit.html")
    page = Page((tmp_path / "fit.html").read_text())
    assert [source.split(",")[0] for source in page.sources] == ["data:image/png;base64"] * 2
    said = " ".join(page.said)
    for part in ("channels.Na.g_max", "117.5 to 122.5", "at a bound: channels.Leak.g_max", "something <odd>", "ab" * 32,
                 "Recording 1: current clamp, 3 mV rms", "loss 1.5 from 1 of 2 starts"):  # fmt: skip
        assert part in said, part
    result().report(tmp_path / "loaded.html")
    assert "no recordings to draw" in (tmp_path / "loaded.html").read_text()


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "3", "{}", '{"format": "something else"}', '{"format": null}', "\x00\x01"]
)
def test_what_is_no_saved_fit(tmp_path, text):
    path = tmp_path / "fit.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"fit\.json is not a saved fit"):
        fitting.load(path)


def test_a_saved_fit_of_a_class_that_is_not_there(tmp_path):
    path = tmp_path / "fit.json"
    result().save(path)
    path.write_text(path.read_text().replace("patch_sim.neuron:Neuron", "mine.cells:Cell"))
    with pytest.raises(ValueError, match=r"mine\.cells:Cell, which is not known here: import the module"):
        fitting.load(path)


def test_a_saved_fit_with_a_part_missing(tmp_path):
    path = tmp_path / "fit.json"
    result().save(path)
    data = json.loads(path.read_text())
    del data["neurons"]
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="is not a saved fit"):
        fitting.load(path)


def test_predict_a_protocol_or_the_command_of_a_recording(recording):
    by_protocol, by_recording = result().predict(CLAMP), result().predict(recording)
    np.testing.assert_array_equal(by_protocol.current, recording.current)
    np.testing.assert_allclose(by_recording.current, recording.current, rtol=1e-9, atol=1e-9)


def test_what_a_fit_was_told_to_solve_with_predicts_too():
    clamp = ps.CurrentClamp(ps.Step(200.0, 1.0, 5.0), duration=8.0, dt=0.2)
    coarse, exact = (np.asarray(ps.simulate(CELL, clamp, solver=s).voltage) for s in (ps.Exponential(0.2), None))
    assert np.abs(coarse - exact).max() > 0.1  # mV
    np.testing.assert_array_equal(result(solver=ps.Exponential(0.2)).predict(clamp).voltage, coarse)
    np.testing.assert_array_equal(result().predict(clamp).voltage, exact)


@pytest.mark.parametrize(
    "solver",
    [ps.Exponential(0.1, order=2), ps.Adaptive(1e-4, max_steps=7), ps.Adaptive(method=ps.solvers.ImplicitGates())],
)
def test_the_solver_is_saved(solver, tmp_path):
    path = tmp_path / "fit.json"
    result(solver=solver).save(path)
    assert fitting.load(path).solver == solver
    data = json.loads(path.read_text())
    data["solver"]["kind"] = "Guess"
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="is not a saved fit"):
        fitting.load(path)


def test_score_is_the_error_over_the_mask(recording):
    off = eqx.tree_at(lambda rec: rec.current, recording, recording.current + 3.0)
    assert result().score(off) == pytest.approx(3.0, rel=1e-9)
    spoiled = eqx.tree_at(lambda rec: rec.current, off, off.current.at[0, 7].set(1e6))
    assert result().score(spoiled.with_mask(np.arange(40) != 7)) == pytest.approx(3.0, rel=1e-9)


def test_plot(recording):
    from matplotlib import pyplot

    masked = recording.mask_edges(1.0)
    figure = result(recordings=(masked, recording), initial=(None, None)).plot()
    assert len(figure.axes) == 4
    top, _, bottom, _ = figure.axes
    assert len(top.lines) == 4  # two sweeps, recorded and modeled
    residual = bottom.lines[0].get_ydata()
    np.testing.assert_allclose(residual[masked.scored[0]], 0.0, atol=1e-6)
    assert np.isnan(residual[~masked.scored[0]]).all()
    assert bottom.get_xlabel() == "time (ms)"
    figure.canvas.draw()
    pyplot.close(figure)


def test_a_loaded_fit_has_nothing_to_draw():
    with pytest.raises(ValueError, match="no recordings to draw"):
        result().plot()
