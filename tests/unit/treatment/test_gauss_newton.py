"""The small fit of the adjuvant trials against scipy's."""

import numpy as np
from scipy.optimize import least_squares

from mesenbayes.treatment.survival import gauss_newton


def test_same_solution_as_scipy():
    t = np.linspace(0.5, 10, 12)
    seen = 0.3 + 0.7 * np.exp(-0.4 * t) + 0.01 * np.sin(7 * t)

    def residual(p):
        return (p[0] + (1 - p[0]) * np.exp(-np.exp(p[1]) * t) - seen) / 0.02

    x, jacobian = gauss_newton(residual, np.array([0.5, 0.0]))
    right = least_squares(residual, [0.5, 0.0], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    np.testing.assert_allclose(x, right.x, rtol=1e-6)
    np.testing.assert_allclose(jacobian, right.jac, rtol=1e-4, atol=1e-4)


def test_flat_start_far_away_still_arrives():
    x, _ = gauss_newton(lambda p: np.array([p[0] ** 3 - 8, 0.1 * (p[0] - 2)]), np.array([30.0]))
    np.testing.assert_allclose(x, [2.0], rtol=1e-6)
