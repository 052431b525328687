"""Polynomials, against numpy's."""

import jax.numpy as jnp
import numpy as np
import pytest

from patch_sim.polynomial import polynomial


@pytest.mark.parametrize("order", range(1, 9))
def test_any_order_from_1_on(order):
    coefficients = [(-1.5) ** n / (n + 1) for n in range(order + 1)]
    x = jnp.linspace(-2.0, 2.0, 9)
    expected = np.polynomial.polynomial.polyval(np.asarray(x), coefficients)
    np.testing.assert_allclose(polynomial(coefficients, x), expected, rtol=1e-13)
