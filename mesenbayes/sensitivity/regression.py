"""Conditional means by regression on spline features, with draws of the fit.

E[NB_d | phi] for all options at once: cubic splines of each feature, products of pairs, a ridge
whose weight is chosen by generalised cross-validation (Strong, Oakley & Brennan, MDM 34:311,
2014, with a ridge in place of a smoothing penalty). With many features: linear and quadratic
terms only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mesenbayes.sensitivity.entries import FloatArray

_KNOTS = 8
_FEW = 6
"""Up to so many features get splines and products; more get linear and quadratic terms."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Fitted conditional means.

    Attributes
    ----------
    values : (draws, options)
    spread : (draws, terms)
        A draw of the fit is `values` plus spread @ standard normals @ noise'.
    noise : (options, options)
        Cholesky factor of the residual covariance.
    """

    values: FloatArray = field(repr=False)
    spread: FloatArray = field(repr=False)
    noise: FloatArray = field(repr=False)

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Return one draw of the fitted means from their posterior, (draws, options)."""
        normal = rng.standard_normal((self.spread.shape[1], self.noise.shape[0]))
        return np.asarray(self.values + self.spread @ (normal @ self.noise.T))


def fit(features: FloatArray, values: FloatArray) -> Fit:
    """Regress values (draws, options) on features (draws, features)."""
    basis = design(features)
    n, m = basis.shape
    mean = values.mean(axis=0)
    centred = values - mean
    eigen, vectors = np.linalg.eigh(basis.T @ basis)
    eigen = np.clip(eigen, 0.0, None)
    projected = vectors.T @ (basis.T @ centred)
    total = (centred**2).sum(axis=0)
    best, ridge = np.inf, 0.0
    for candidate in np.geomspace(1e-10, 1e-1, 10) * max(float(eigen.max()), 1e-300):
        shrunk = eigen / (eigen + candidate)
        # RSS = yy - 2 b'Xy + b'XXb in the eigenbasis
        part = projected**2 / (eigen + candidate)[:, None]
        rss = total - (2 * part - shrunk[:, None] * part).sum(axis=0)
        freedom = 1 + shrunk.sum()
        score = float((np.maximum(rss, 0.0) / (1 - freedom / n) ** 2).sum())
        if score < best:
            best, ridge = score, float(candidate)
    coefficients = vectors @ (projected / (eigen + ridge)[:, None])
    fitted = basis @ coefficients
    residual = centred - fitted
    covariance = residual.T @ residual / max(n - m - 1, 1)
    scale = 1e-12 * max(float(np.trace(covariance)), 1e-300)
    noise = np.linalg.cholesky(covariance + scale * np.eye(len(covariance)))
    return Fit(mean + fitted, basis @ (vectors / np.sqrt(eigen + ridge)), noise)


def design(features: FloatArray) -> FloatArray:
    """Return the regression terms, (draws, terms), centred; no intercept."""
    spread = features.std(axis=0)
    kept = features[:, spread > 1e-12 * (1 + np.abs(features).max(axis=0))]
    if not kept.shape[1]:
        return np.zeros((len(features), 1))
    z = (kept - kept.mean(axis=0)) / kept.std(axis=0)
    if z.shape[1] > _FEW:
        terms = [z, z**2]
    else:
        terms = [_spline(column) for column in z.T]
        for i in range(z.shape[1]):
            for j in range(i):
                pair = z[:, i] * z[:, j]
                terms.append(np.stack([pair, pair * z[:, i], pair * z[:, j]], axis=1))
    columns = np.concatenate(terms, axis=1)
    columns = columns - columns.mean(axis=0)
    size = columns.std(axis=0)
    return np.asarray(columns[:, size > 1e-9] / size[size > 1e-9])


def _spline(x: FloatArray) -> FloatArray:
    """Return a cubic spline basis with knots at quantiles: x, x^2, x^3, (x - k)^3_+."""
    from scipy.interpolate import BSpline

    inner = np.unique(np.quantile(x, np.linspace(0, 1, _KNOTS + 2)[1:-1]))
    low, high = float(x.min()), float(x.max())
    inner = inner[(inner > low) & (inner < high)]
    knots = np.concatenate(([low] * 4, inner, [high] * 4))
    if high <= low:
        return x[:, None]
    dense = BSpline.design_matrix(np.clip(x, low, high), knots, 3).toarray()
    return np.asarray(np.concatenate([x[:, None], dense[:, 1:]], axis=1))
