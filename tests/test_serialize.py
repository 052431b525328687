"""Models as plain data and back."""

import json
import subprocess
import sys

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import patch_sim as ps


class Bell(ps.AbstractParametric):
    """A user's own rate."""

    sign: int = eqx.field(static=True)
    height: ps.Number = ps.parameter("1/ms", above=0.0)
    places: ps.Number | None = ps.parameter("mV", default=None)

    def __call__(self, v):
        return self.height * jnp.exp(-((self.sign * v / 50.0) ** 2))


class Plain(eqx.Module):
    """A module that is not parametric."""

    word: str
    flag: bool
    whole: int = eqx.field(static=True)
    items: tuple


def own() -> ps.Neuron:
    gate = ps.Gate(opening=Bell(-1, 0.3), closing=ps.rates.Linoid(0.1, -40.0, -10.0), power=2, q10=2.3)
    mine = ps.Channel({"x": gate}, g_max=1.5, ion="K")
    ions = ps.Ions(K=ps.Ion(130.0, 4.0))
    return ps.Neuron({"mine": mine, "Leak": ps.channels.Leak()}, area=1234.5, temperature=21.0, ions=ions)


def round_trip(node):
    return ps.decode(json.loads(json.dumps(ps.encode(node))))


@pytest.mark.parametrize("name", ps.presets.neurons())
def test_presets_round_trip(name):
    cell = ps.presets.neuron(name)
    assert eqx.tree_equal(round_trip(cell), cell)


def test_a_user_s_own_classes_round_trip():
    back = round_trip(own())
    assert eqx.tree_equal(back, own())
    assert isinstance(back.channels["mine"].gates["x"].opening, Bell)
    v = jnp.linspace(-80.0, 20.0, 5)
    np.testing.assert_array_equal(
        back.channels["mine"].gates["x"].steady_state(v), own().channels["mine"].gates["x"].steady_state(v)
    )


def test_numbers_survive_to_the_last_bit():
    cell = ps.with_parameters(own(), {"area": np.nextafter(1000.0, 2000.0), "channels.mine.g_max": 1.0 / 3.0})
    assert eqx.tree_equal(round_trip(cell), cell)


def test_other_fields_keep_their_kind():
    back = round_trip(Plain("a", True, 3, (None, "b")))
    assert (back.word, back.flag, back.whole, back.items) == ("a", True, 3, (None, "b"))
    assert isinstance(back.flag, bool)
    assert isinstance(back.whole, int)


def test_refuses_a_class_that_is_not_there():
    data = ps.encode(own())
    for name in ("os:system", "no_such_module:Thing", "patch_sim:simulate", "builtins:dict", f"{__name__}:np", "x"):
        with pytest.raises(ValueError, match="import the module that defines it first"):
            ps.decode({**data, "class": name})


def test_refuses_what_it_cannot_save():
    with pytest.raises(TypeError, match="cannot save a function"):
        ps.encode(Plain("a", True, 3, (lambda: 0,)))


def test_decoding_imports_nothing():
    code = (
        "import json, sys, patch_sim as ps\n"
        "data = {'class': 'wave:Wave_read'}\n"
        "try:\n    ps.decode(data)\nexcept ValueError:\n    print('wave' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
