import json
import math

import pytest

from patch_sim.ui.fields import Field, parse

CURRENT = Field("first", "From", "pA", -50.0, -1e6, 1e6)
COUNT = Field("sweeps", "Sweeps", "", 6, 1, 500, whole=True)
LENGTH = Field("length", "Sweep length", "ms", 150.0, 0.025)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (CURRENT, None, r"From: the field is empty; it wants a number in pA"),
        (CURRENT, "", r"From: the field is empty"),
        (CURRENT, "ten", r"From: 'ten' is not a number in pA"),
        (CURRENT, math.inf, r"From: inf is not a number in pA"),
        (CURRENT, True, r"From: True is not a number in pA"),
        (CURRENT, [1.0], r"From: \[1.0\] is not a number in pA"),
        (CURRENT, 1e9, r"From: 1e\+09 pA is too much; it must be at most 1,000,000 pA"),
        (COUNT, 2.5, r"Sweeps: 2.5 is not a whole number from 1 to 500"),
        (COUNT, 0, r"Sweeps: 0 is not a whole number from 1 to 500"),
        (LENGTH, 0, r"Sweep length: 0 ms is too little; it must be at least 0.025 ms"),
    ],
)
def test_wrong_number_is_named_with_its_limit(field, value, message):
    with pytest.raises(ValueError, match=message):
        field.parse(value)


def test_numbers_that_are_not_given_are_at_their_defaults():
    assert parse([CURRENT, COUNT], {"sweeps": "3"}) == {"first": -50.0, "sweeps": 3}
    with pytest.raises(ValueError, match="no field 'third'"):
        parse([CURRENT], {"third": 1.0})
    with pytest.raises(ValueError, match="numbers by name"):
        parse([CURRENT], [1.0])


def test_the_browser_is_told_no_infinity():
    assert json.loads(json.dumps(LENGTH.view(), allow_nan=False))["high"] is None
