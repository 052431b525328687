"""Pictures of gates: that what is drawn is what the gates say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import pyplot

import patch_sim as ps
from patch_sim import channels as c
from patch_sim.gates import AbstractGate


@pytest.fixture(autouse=True)
def close():
    yield
    pyplot.close("all")


def panels(figure) -> list:
    """The panels of a picture that hold lines, row by row."""
    return [axes for axes in figure.axes if axes.lines]


@pytest.mark.parametrize("name", [name for name in c.CATALOG if name != "Leak"])
def test_every_channel_can_be_drawn(name):
    figure = ps.plot_gates(c.CATALOG[name](), 30.0)
    figure.canvas.draw()
    for axes in panels(figure):
        for line in axes.lines:
            assert np.all(np.isfinite(line.get_ydata()))
            assert np.all(line.get_ydata() >= -1e-12)
    assert c.CATALOG[name].source in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("temperature", [None, 16.3])
def test_the_lines_are_the_gates(temperature):
    figure = ps.plot_gates(c.Na(), temperature)
    top, bottom = panels(figure)
    gate = c.Na().gates["m"].at(None if temperature is None else jnp.asarray(temperature))
    voltage = top.lines[0].get_xdata()
    assert top.lines[0].get_label() == "m"
    np.testing.assert_array_equal(top.lines[0].get_ydata(), gate.steady_state(jnp.asarray(voltage)))
    np.testing.assert_array_equal(bottom.lines[0].get_ydata(), gate.time_constant(jnp.asarray(voltage)))
    assert [axes.get_ylabel() for axes in (top, bottom)] == ["steady state", "time constant (ms)"]
    assert bottom.get_xlabel() == "voltage (mV)"
    assert f"at {temperature or 6.3} degrees C" in figure.get_suptitle()


def test_a_neurons_channel_is_drawn_at_its_temperature():
    cell = ps.presets.neuron("squid_axon")
    warm = ps.with_parameters(cell, {"temperature": 16.3})
    for one, temperature in ((cell, 6.3), (warm, 16.3)):
        assert f"at {temperature} degrees C" in ps.plot_gates(one.channels["K"]).get_suptitle()


def test_calcium_gates_are_drawn_over_calcium():
    figure = ps.plot_gates(c.KCaBK())
    labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert labels == ["voltage (mV)", "calcium (mM)"]
    over_calcium = figure.axes[1]
    assert over_calcium.get_xscale() == "log"
    (line,) = over_calcium.lines
    half = np.interp(0.5, line.get_ydata(), line.get_xdata())
    assert half == pytest.approx(1e-3, rel=0.01)  # Khaliq's


def test_a_gate_of_calcium_and_voltage_is_drawn_at_some_voltages():
    class Helped(AbstractGate):
        """Calcium that depolarization helps."""

        power: int = 1
        reads_calcium = True

        def at(self, temperature):
            return self

        def steady_state(self, v, calcium=None):
            return 1.0 / (1.0 + 1e-3 / calcium * jnp.exp(-v / 40.0))

        def time_constant(self, v, calcium=None):
            return jnp.zeros_like(v)

    top, below = ps.plot_gates(c.Channel({"o": Helped()}, g_max=1.0, ion="K")).axes
    assert [line.get_label() for line in top.lines] == [f"o at {v} mV (at once)" for v in (-80, -40, 0, 40)]
    assert np.all(np.diff([line.get_ydata()[200] for line in top.lines]) > 0)
    assert below.get_xlabel() == "calcium (mM)"


def test_a_gate_that_takes_no_time_has_no_time_constant():
    top, bottom = panels(ps.plot_gates(c.CaTDestexhe()))
    assert [line.get_label() for line in top.lines] == ["m (at once)", "h"]
    assert len(bottom.lines) == 1


def test_of_a_scheme_the_occupancies_and_the_modes():
    top, bottom = panels(ps.plot_gates(c.NaR()))
    assert [line.get_label() for line in top.lines] == list(c.NaR.states)
    np.testing.assert_allclose(sum(line.get_ydata() for line in top.lines), 1.0, rtol=1e-9)
    assert len(bottom.lines) == len(c.NaR.states) - 1
    assert [line.get_color() for line in top.lines if line.get_label() == "O"] == ["black"]


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="Leak has no gates"):
        ps.plot_gates(c.Leak())
    with pytest.raises(ValueError, match="one channel, not many in one"):
        ps.plot_gates(jax.vmap(lambda g: c.K(g_max=g))(jnp.ones(3)))
