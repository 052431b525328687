import math

import pytest

from patch_sim.ui.steps import Steps, label

GOOD = {"first": -50.0, "last": 200.0, "sweeps": 6, "start": 10.0, "duration": 100.0, "length": 150.0}


def parse(**changes):
    return Steps.parse(*(GOOD | changes).values())


def test_numbers_become_protocols():
    steps = parse(sweeps="3", first="1e2")
    assert [float(steps.protocol(sweep).stimulus.amplitude[0]) for sweep in range(3)] == [100.0, 150.0, 200.0]
    assert steps.protocol(0).samples == 6000
    assert parse() == Steps()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": None}, r"From: the field is empty; it wants a number in pA"),
        ({"last": "ten"}, r"To: 'ten' is not a number in pA"),
        ({"last": math.inf}, r"To: inf is not a number in pA"),
        ({"last": 1e9}, r"To: 1e\+09 pA is too much; it must be at most 1,000,000 pA"),
        ({"sweeps": 2.5}, r"Sweeps: 2.5 is not a whole number from 1 to 500"),
        ({"sweeps": 0}, r"Sweeps: 0 is not a whole number from 1 to 500"),
        ({"sweeps": 501}, r"Sweeps: 501 "),
        ({"start": -1}, r"Step start: -1 ms is too little; it must be at least 0 ms"),
        ({"duration": -1}, r"Step duration: -1 ms is too little"),
        ({"length": 0}, r"Sweep length: 0 ms is too little; it must be at least 0.025 ms"),
        ({"start": 150}, r"Step start: 150 ms is too late; the sweep is over after 150 ms"),
        ({"sweeps": 500, "length": 501}, r"10,020,000 samples.* at most 10,000,000; make the sweeps at most 500 ms"),
    ],
)
def test_wrong_number_is_named_with_its_limit(changes, message):
    with pytest.raises(ValueError, match=message):
        parse(**changes)


def test_every_field_says_its_unit():
    labels = [label(field) for field in Steps.__dataclass_fields__.values()]
    assert labels == ["From (pA)", "To (pA)", "Sweeps", "Step start (ms)", "Step duration (ms)", "Sweep length (ms)"]
