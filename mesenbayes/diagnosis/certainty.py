"""How sure: the credible interval of a posterior, from the counts behind the network.

Every row rho of every table is a Dirichlet with mean theta and strength N_rho. To first order
(Van Allen, Greiner & Hooper, UAI 2001; AIJ 2008) a posterior q = Z_h / Z_0 has

    Var(q) = sum over rows [ sum_x theta_x g_x^2 - (sum_x theta_x g_x)^2 ] / (N_rho + 1)
    g_x    = (G^h_x - q G^0_x) / Z_0

with G the derivatives of the network polynomial, all of them from one backward pass, summed
over the places that a row serves. Each row's term is the share of the variance that its
evidence carries (states worth less than one case: see
:func:`mesenbayes.network.table.spread_factor`). The interval is that of the Beta distribution
with this mean and variance.

The straight line is not always good enough: near 0 or 1 the posterior bends, and a row worth
fewer than three cases is not normal. Then the rows are drawn and the answers counted (Monte
Carlo); :attr:`Certainty.method` and :attr:`Certainty.reason` say which it was and why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mesenbayes.diagnosis.encode import Encoded
from mesenbayes.diagnosis.rows import (
    DistinctRows,
    distinct_rows,
    draw_tables,
    parents_in_words,
    relevant_tables,
)
from mesenbayes.inference import CompiledNetwork
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row, spread_factor

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
Method = Literal["automatic", "delta", "monte carlo"]

LEVEL = 0.95
DRAWS = 1000
_SHOWN_ROWS = 10
_THIN = 3.0
"""Cases: a row worth fewer is far from normal (METHODS 9.3)."""
_THIN_SHARE = 0.2
"""Share of the variance on thin rows from which the straight line is not trusted."""
_CARRIED = 0.999
"""Share of the variance whose tables are drawn; the others stay at their means."""
_STILL = 1e-6
"""Rows that carry a smaller share of every variance stay at their means."""
_SEED = 20261124


@dataclass(frozen=True, eq=False)
class RowShare:
    """How much of the variance of the leading posterior rests on one row.

    Parameters
    ----------
    variable, parents
        Table and the parent states that the row serves.
    share
        Of the variance.
    """

    variable: str
    parents: str
    row: Row
    share: float

    def share_after(self, cases: float) -> float:
        """Return what would be left of the share had `cases` more been studied for this row.

        The term of a row falls as 1 / (N + 1) in its strength N.
        """
        n = self.row.strength
        return self.share * (n + 1) / (n + cases + 1)


@dataclass(frozen=True)
class SourceShare:
    """How much of the variance rests on one source: a study, or a declared or borrowed prior."""

    source: str
    share: float
    rows: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Certainty:
    """Variance and interval of each state's posterior.

    Parameters
    ----------
    mean, variance : (states,)
    interval : (states, 2)
        Central 95 % credible interval.
    top : (states,)
        Probability that this state is the most probable one.
    method, reason
        ``delta`` or ``monte carlo``, and why.
    shares
        Rows by the share of the leading state's variance, largest first.
    sources
        The same by source.
    draws : (draws, states) or None
        Posteriors under drawn tables, if Monte Carlo was used.
    """

    mean: FloatArray
    variance: FloatArray
    interval: FloatArray
    top: FloatArray
    method: str
    reason: str
    shares: tuple[RowShare, ...]
    sources: tuple[SourceShare, ...]
    states: tuple[str, ...] = ()
    draws: FloatArray | None = field(default=None, repr=False)

    @property
    def sentence(self) -> str:
        """The result in words."""
        lead = int(self.mean.argmax())
        name = self.states[lead] if self.states else f"state {lead}"
        low, high = self.interval[lead]
        return (
            f"{name} {self.mean[lead]:.3f} ({low:.3f} to {high:.3f}); it is the most probable "
            f"diagnosis in {self.top[lead]:.0%} of what the counts leave open ({self.method}: "
            f"{self.reason})."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a state: mean, sd, low, high, P(top)."""
        import pandas as pd

        return pd.DataFrame(
            {
                "state": list(self.states),
                "probability": self.mean,
                "sd": np.sqrt(self.variance),
                "low": self.interval[:, 0],
                "high": self.interval[:, 1],
                "p_top": self.top,
            }
        ).sort_values("probability", ascending=False, ignore_index=True)

    def _repr_html_(self) -> str:
        table = self.to_frame().head(8).round(3).to_html(index=False)
        return f"<p>{self.sentence}</p>{table}{self.shares_frame().round(3).to_html(index=False)}"

    def shares_frame(self) -> pd.DataFrame:
        """Return one row a table row: which study would sharpen this answer."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"variable": s.variable, "given": s.parents, "share": s.share,
                 "cases_behind": s.row.strength, "share_after_50_more": s.share_after(50),
                 "origin": s.row.origin, "studies": ", ".join(x.source_id for x in s.row.studies)}
                for s in self.shares
            ]
        )  # fmt: skip

    def sources_frame(self) -> pd.DataFrame:
        """Return one row a source."""
        import pandas as pd

        return pd.DataFrame(
            [{"source": s.source, "share": s.share, "rows": "; ".join(s.rows)}
             for s in self.sources]
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Linear:
    """The delta method: per distinct row the covariance terms of the leading state."""

    mean: FloatArray
    variance: FloatArray
    covariance: FloatArray
    terms: FloatArray  # (states, rows)
    by_table: dict[str, FloatArray]  # table -> (states,) variance of the rows it uses


def certainty(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    target: str,
    *,
    method: Method = "automatic",
    draws: int = DRAWS,
    rng: np.random.Generator | None = None,
) -> Certainty:
    """Return the credible interval of every state of `target` for one case.

    Parameters
    ----------
    method
        ``automatic`` uses the delta method where it can be trusted.
    draws
        Number of Monte Carlo draws.
    rng
        Generator; a fixed seed if not given, so that the same case has the same report.
    """
    generator = np.random.default_rng(_SEED) if rng is None else rng
    tables = relevant_tables(network, encoded, target)
    distinct = distinct_rows(network, tables)
    linear = _linear(network, compiled, encoded, target, distinct)
    leading = int(linear.mean.argmax())
    reason = _distrust(linear, distinct, leading)
    chosen = method if method != "automatic" else ("monte carlo" if reason else "delta")
    mean, variance, sample = linear.mean, linear.variance, None
    if chosen == "monte carlo":
        carried = _carrying(linear, tables)
        vary = _moving(linear)
        sample = _sample(
            network, compiled, encoded, target, distinct, carried, vary, draws, generator
        )
        variance = sample.var(axis=0)
        tail = (1 - LEVEL) / 2
        interval = np.quantile(sample, [tail, 1 - tail], axis=0).T
        interval = np.stack(
            [np.minimum(interval[:, 0], mean), np.maximum(interval[:, 1], mean)], axis=1
        )
        top = np.bincount(sample.argmax(axis=1), minlength=len(mean)) / len(sample)
        reason = reason or "asked for"
    else:
        interval = beta_interval(mean, variance)
        top = _probability_top(linear, generator)
        reason = reason or "the posterior is close to a straight line in the counts"
    shares = _shares(network, distinct, linear.terms[leading])
    return Certainty(
        mean, variance, interval, top, chosen, reason, shares[:_SHOWN_ROWS],
        _by_source(shares), network.variable(target).states, sample,
    )  # fmt: skip


def _linear(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    target: str,
    distinct: DistinctRows,
) -> _Linear:
    codes, likelihoods = encoded.batch()
    gradient = compiled.gradient(codes, likelihoods, hypothesis=target)
    assert gradient.posterior is not None
    mean = gradient.posterior[0]
    states = len(mean)
    slopes = [np.zeros((states, len(row.alpha))) for row in distinct.rows]
    for name, numbers in distinct.places.items():
        table = network.tables[name]
        # (states of target, *parents, states): g_x of the formula, for every hypothesis.
        g = gradient.hypothesis[name][0] - np.multiply.outer(mean, gradient.evidence[name][0])
        flat = g.reshape(states, table.row_index.size, -1)
        summed = np.zeros((len(table.rows), states, flat.shape[-1]))
        np.add.at(summed, table.row_index.ravel(), np.moveaxis(flat, 1, 0))
        for number, slope in zip(numbers.tolist(), summed, strict=True):
            slopes[number] += slope
    terms = np.zeros((states, len(distinct.rows)))
    covariance = np.zeros((states, states))
    for number, (row, slope) in enumerate(zip(distinct.rows, slopes, strict=True)):
        if row.is_certain or not slope.any():
            continue
        centred = slope - (slope @ row.mean)[:, None]
        weighted = centred * np.sqrt(spread_factor(row.alpha) * row.mean / (row.strength + 1))
        terms[:, number] = (weighted**2).sum(axis=1)
        covariance += weighted @ weighted.T
    by_table = {name: terms[:, np.unique(n)].sum(axis=1) for name, n in distinct.places.items()}
    return _Linear(mean, terms.sum(axis=1), covariance, terms, by_table)


def _distrust(linear: _Linear, distinct: DistinctRows, leading: int) -> str:
    """Return why the straight line is not good enough; empty where it is."""
    q, sd = float(linear.mean[leading]), float(np.sqrt(linear.variance[leading]))
    if sd > min(q, 1 - q):
        return f"the posterior {q:.3f} lies within one standard deviation ({sd:.3f}) of 0 or 1"
    terms = linear.terms[leading]
    total = float(terms.sum())
    thin = np.array([row.strength < _THIN for row in distinct.rows])
    share = float(terms[thin].sum()) / total if total > 0 else 0.0
    if share > _THIN_SHARE:
        return f"{share:.0%} of the variance rests on rows worth fewer than {_THIN:g} cases"
    return ""


def _carrying(linear: _Linear, tables: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tables that carry the variance of every state that matters."""
    kept: set[str] = set()
    for state in np.flatnonzero(linear.mean > 0.01).tolist():
        shares = np.array([linear.by_table[name][state] for name in tables])
        order = np.argsort(-shares)
        total = max(float(shares.sum()), 1e-300)
        enough = int(np.searchsorted(np.cumsum(shares[order]) / total, _CARRIED)) + 1
        kept.update(tables[i] for i in order[:enough] if shares[i] > 0)
    return tuple(name for name in tables if name in kept)


def _moving(linear: _Linear) -> list[int]:
    """Return the rows that move any state that matters: the others would be drawn for nothing."""
    matter = linear.mean > 0.01
    share = linear.terms[matter] / np.maximum(linear.variance[matter, None], 1e-300)
    return np.flatnonzero(share.max(axis=0) > _STILL).tolist()


def _sample(
    network: BayesianNetwork,
    compiled: CompiledNetwork,
    encoded: Encoded,
    target: str,
    distinct: DistinctRows,
    tables: tuple[str, ...],
    vary: list[int],
    draws: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the posterior under drawn tables, (draws, states)."""
    codes, likelihoods = encoded.batch()
    if not tables:
        posterior = compiled.run(codes, likelihoods, targets=(target,)).posterior[target]
        return np.asarray(np.repeat(posterior, draws, axis=0))
    drawn = draw_tables(network, distinct, tables, draws, rng, vary)
    result = compiled.run(codes, likelihoods, targets=(target,), tables=drawn)
    return np.asarray(result.posterior[target])


def _probability_top(linear: _Linear, rng: np.random.Generator, size: int = 4000) -> FloatArray:
    """Return P(state is the largest), the posterior taken as normal with the delta covariance."""
    live = np.flatnonzero(linear.mean > 1e-4)
    values, vectors = np.linalg.eigh(linear.covariance[np.ix_(live, live)])
    root = vectors * np.sqrt(np.clip(values, 0, None))
    sample = linear.mean[live] + rng.standard_normal((size, len(live))) @ root.T
    top = np.zeros(len(linear.mean))
    top[live] = np.bincount(sample.argmax(axis=1), minlength=len(live)) / size
    return top


def _shares(
    network: BayesianNetwork, distinct: DistinctRows, terms: FloatArray
) -> tuple[RowShare, ...]:
    total = max(float(terms.sum()), 1e-300)
    order = [int(i) for i in np.argsort(-terms) if terms[i] > 1e-6 * total]
    shares = []
    for i in order[:200]:
        name, position = distinct.first[i]
        shares.append(
            RowShare(name, parents_in_words(network, name, position), distinct.rows[i],
                     float(terms[i]) / total)
        )  # fmt: skip
    return tuple(shares)


def _by_source(shares: tuple[RowShare, ...]) -> tuple[SourceShare, ...]:
    """Divide each row's share among its studies as they count in it; the rest is the prior's."""
    found: dict[str, float] = {}
    rows: dict[str, list[str]] = {}
    for share in shares:
        strength = max(share.row.strength, 1e-300)
        parts = {s.source_id: 0.0 for s in share.row.studies}
        for study in share.row.studies:
            parts[study.source_id] += study.effective_n / strength
        counted = sum(parts.values())
        if counted > 1:
            parts = {source: part / counted for source, part in parts.items()}
        rest = 1 - min(counted, 1.0)
        if rest > 1e-9:
            origin = "prior" if share.row.origin == "counts" else share.row.origin
            label = {"prior": "declared prior", "borrowed": "borrowed from relatives"}
            parts[label.get(origin, origin)] = rest
        place = f"{share.variable} | {share.parents}" if share.parents else share.variable
        for source, part in parts.items():
            found[source] = found.get(source, 0.0) + part * share.share
            rows.setdefault(source, []).append(place)
    ranked = sorted(found.items(), key=lambda item: -item[1])
    return tuple(
        SourceShare(source, value, tuple(dict.fromkeys(rows[source]))[:5])
        for source, value in ranked[:20]
    )


def beta_interval(mean: FloatArray, variance: FloatArray, level: float = LEVEL) -> FloatArray:
    """Return the central interval of the Beta with this mean and variance, shape (..., 2).

    k = q (1 - q) / V - 1, shape parameters q k and (1 - q) k.
    """
    from scipy.special import betaincinv

    q = np.clip(mean, 1e-12, 1 - 1e-12)
    # A variance cannot exceed q (1 - q); the linear approximation can, when rows are thin.
    v = np.clip(variance, 1e-18, 0.98 * q * (1 - q))
    k = q * (1 - q) / v - 1
    tail = (1 - level) / 2
    low = betaincinv(q * k, (1 - q) * k, tail)
    high = betaincinv(q * k, (1 - q) * k, 1 - tail)
    # Of a variance too small for the inversion (a network without counts) nothing is left.
    low, high = (np.where(np.isfinite(edge), edge, mean) for edge in (low, high))
    return np.stack([np.minimum(low, mean), np.maximum(high, mean)], axis=-1)
