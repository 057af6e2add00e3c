"""A network learns from a local cohort, with the published evidence as its prior.

Every row is a Dirichlet with parameters alpha. With the weight w of the published evidence and
the cohort D, the row becomes

    alpha'_x = w alpha_x + E[ n_x | D, theta ],

the counts themselves where findings and diagnosis are known, and their expectation where some
are missing. Expectation and theta = alpha' / sum alpha' are found in turn (EM; Dempster, Laird &
Rubin 1977); the fixed point is the posterior mode in the softmax basis (MacKay 1998), and

    ln P(D | theta) + sum_rows sum_x w alpha_x ln theta_x

never falls. The expected counts are derivatives: E[n_x] = theta_x dlnP(e)/dtheta_x, summed over
cases and over the places that share the row. This needs the missing to be missing at random;
tests ordered for their results are, diagnoses left out because they were hard are not.

Expected counts say where a row goes, not how sure it is: a finding that nobody looked for has an
expected count and teaches nothing. A case counts for the row by the share of the row's entropy
that it takes away, 1 - H(x | row, e) / H(theta): 1 where the finding is known, 0 where it is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.cohort.cells import CellReader
from mesenbayes.cohort.frame import read_frame
from mesenbayes.cohort.mapping import ColumnMapping
from mesenbayes.diagnosis.rows import DistinctRows, distinct_rows, parents_in_words
from mesenbayes.errors import CaseError, UnknownFinding, nearest
from mesenbayes.inference import compile_network
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.table import Row, Study, Table

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

SOURCE = "local_cohort"
ROUNDS = 100
_CLOSE = 1e-5
"""Change of the objective a case at which the search ends."""
_BATCH = 256
_LEAST_MOVED = 1e-3


@dataclass(frozen=True, eq=False)
class Learned:
    """A network after learning.

    Parameters
    ----------
    network
        The network with the cohort in its rows.
    n_cases
        Cases learned from.
    objective : (rounds,)
        Log posterior up to a constant; never falls.
    moved
        One line a row and state that moved, the most surprising first: variable, given, state,
        before, after, published_cases, local_cases (expected), informative_cases, local_share,
        z (in standard deviations of the published row), reason.
    rejected
        (row, id, reason) of cases left out.
    """

    network: Network = field(repr=False)
    n_cases: int
    objective: FloatArray = field(repr=False)
    moved: pd.DataFrame = field(repr=False)
    rejected: tuple[tuple[int, str, str], ...] = field(default=(), repr=False)


def learn(
    network: Network,
    frame: pd.DataFrame,
    *,
    target: str = "tumour",
    prior_weight: float = 1.0,
    variables: Sequence[str] | None = None,
    mapping: ColumnMapping | None = None,
    ignore_unknown: bool = False,
    rounds: int = ROUNDS,
) -> Learned:
    """Update the rows of a network with a cohort.

    Parameters
    ----------
    frame
        One row a case. ``true_tumour``, ``true_genotype`` (or the target itself) are the
        diagnosis; it may be missing in some cases.
    prior_weight
        Weight of the published evidence: 1 takes its cases as they are, 0.1 as a tenth.
    variables
        Tables to update; all but definitions by default. ``["tumour"]`` learns the local
        prevalence alone.

    Raises
    ------
    CaseError
        If the weight is not positive, or no case can be read or is possible.
    """
    from mesenbayes.facade import Network

    if not prior_weight > 0 or not np.isfinite(prior_weight):
        raise CaseError(f"the weight of the published evidence is {prior_weight:g}, not above 0")
    names = [v.name for v in network.variables]
    for name in variables or ():
        if name not in names:
            raise UnknownFinding(name, nearest(name, names))
    reader = CellReader(network, mapping, target=target, ignore_unknown=ignore_unknown)
    codes, rejected = known_codes(reader, frame)
    distinct = distinct_rows(network, names)
    free = _free_rows(distinct, names if variables is None else variables)
    codes, impossible = _possible(network, codes)
    if impossible:
        rejected += ((0, "", f"{impossible} cases whose findings cannot be true together"),)
    if not len(codes):
        raise CaseError("there is no case to learn from")
    start = [prior_weight * r.alpha if f else r.alpha
             for r, f in zip(distinct.rows, free, strict=True)]  # fmt: skip
    alphas, counts, objective = fit(network, distinct, start, free, codes, rounds)
    # EM stops before the last digit: no row is told of more cases than it is counted in.
    informed = np.minimum(
        informative_cases(network, distinct, alphas, codes), [float(n.sum()) for n in counts]
    )
    rows = [
        _learned_row(row, alpha, float(before.sum()), n, float(told), network, distinct.first[i][0])
        if free[i] else row
        for i, (row, alpha, before, n, told) in enumerate(
            zip(distinct.rows, alphas, start, counts, informed, strict=True)
        )
    ]  # fmt: skip
    tables = _tables(network, distinct, rows)
    digest = hashlib.sha256(
        network.digest.encode() + b"".join(row.alpha.tobytes() for row in rows)
    ).hexdigest()[:16]
    learned = Network(
        network.name, f"{network.version}+local", network.variables, tables, digest,
        network.builder,
    )  # fmt: skip
    return Learned(
        learned, len(codes), objective,
        _moved(network, distinct, free, start, rows, counts, informed), rejected,
    )  # fmt: skip


def known_codes(
    reader: CellReader, frame: pd.DataFrame
) -> tuple[IntArray, tuple[tuple[int, str, str], ...]]:
    """Return findings and known diagnoses of a frame as state indices, and who was left out."""
    codes, rejected = [], []
    for part in read_frame(reader, frame):
        if part.likelihoods:
            raise CaseError("uncertain findings cannot be learned from; state them or leave them")
        here = part.codes.copy()
        keep = np.ones(len(here), dtype=bool)
        for column, words in part.truths.items():
            name = column.removeprefix("true_")
            if name not in reader.position:
                continue
            states = {s: i for i, s in enumerate(reader.network.variable(name).states)}
            for row, word in enumerate(words):
                if not word:
                    continue
                if word in states:
                    here[row, reader.position[name]] = states[word]
                elif keep[row]:
                    keep[row] = False
                    rejected.append(
                        (int(part.rows[row]), str(part.ids[row]),
                         f"{column}: '{word}' is not a state of {name}")
                    )  # fmt: skip
        codes.append(here[keep])
        rejected += part.rejected
    if not codes:
        raise CaseError("there is no case to learn from")
    return np.concatenate(codes), tuple(rejected)


def _possible(network: BayesianNetwork, codes: IntArray) -> tuple[IntArray, int]:
    if not len(codes):
        return codes, 0
    logs = compile_network(network).run(codes, on_impossible="nan").log_evidence
    possible = np.isfinite(logs)
    return codes[possible], int((~possible).sum())


def _free_rows(distinct: DistinctRows, names: Sequence[str]) -> list[bool]:
    """Return which rows may move: no definitions, and only those of the tables asked for."""
    wanted = {int(i) for name in names for i in distinct.places[name]}
    return [i in wanted and not row.is_certain for i, row in enumerate(distinct.rows)]


def fit(
    network: BayesianNetwork,
    distinct: DistinctRows,
    start: Sequence[FloatArray],
    free: Sequence[bool],
    codes: IntArray,
    rounds: int = ROUNDS,
) -> tuple[list[FloatArray], list[FloatArray], FloatArray]:
    """Return Dirichlet parameters, expected counts and the objective of each round.

    Parameters
    ----------
    start
        Parameters of the prior of each distinct row, already weighted.
    """
    patterns, weights = np.unique(codes, axis=0, return_counts=True)
    alphas = [alpha.copy() for alpha in start]
    counts = [np.zeros_like(alpha) for alpha in start]
    objective: list[float] = []
    for _ in range(rounds):
        log_evidence, counts = expected_counts(network, distinct, alphas, patterns, weights)
        objective.append(log_evidence + _log_prior(start, alphas, free))
        if len(objective) > 1 and objective[-1] - objective[-2] < _CLOSE * len(codes):
            break
        alphas = [s + n if f else s for s, n, f in zip(start, counts, free, strict=True)]
    return alphas, counts, np.array(objective)


def _log_prior(
    start: Sequence[FloatArray], alphas: Sequence[FloatArray], free: Sequence[bool]
) -> float:
    total = 0.0
    for prior, alpha, is_free in zip(start, alphas, free, strict=True):
        if is_free:
            inside = prior > 0
            total += float(prior[inside] @ np.log(alpha[inside] / alpha.sum()))
    return total


def expected_counts(
    network: BayesianNetwork,
    distinct: DistinctRows,
    alphas: Sequence[FloatArray],
    codes: IntArray,
    weights: NDArray[np.integer],
) -> tuple[float, list[FloatArray]]:
    """Return ln P(D) and the expected counts of every distinct row under the means of `alphas`."""
    rows = [Row(alpha, "prior") for alpha in alphas]
    current = BayesianNetwork(network.name, "", network.variables, _tables(network, distinct, rows))
    compiled = compile_network(current)
    log_evidence = 0.0
    totals = {name: np.zeros(t.probability.shape) for name, t in current.tables.items()}
    for first in range(0, len(codes), _BATCH):
        part = slice(first, first + _BATCH)
        gradient = compiled.gradient(codes[part])
        w = weights[part].astype(float)
        log_evidence += float(gradient.log_evidence @ w)
        for name, derivative in gradient.evidence.items():
            totals[name] += np.tensordot(w, derivative, axes=1)
    counts = [np.zeros_like(alpha) for alpha in alphas]
    for name, table in current.tables.items():
        expected = (totals[name] * table.probability).reshape(-1, table.probability.shape[-1])
        for place, row in enumerate(table.row_index.ravel()):
            counts[distinct.places[name][row]] += expected[place]
    return log_evidence, counts


def informative_cases(
    network: BayesianNetwork, distinct: DistinctRows, alphas: Sequence[FloatArray], codes: IntArray
) -> FloatArray:
    """Return how many cases each distinct row was really told about."""
    rows = [Row(alpha, "prior") for alpha in alphas]
    current = BayesianNetwork(network.name, "", network.variables, _tables(network, distinct, rows))
    compiled = compile_network(current)
    patterns, weights = np.unique(codes, axis=0, return_counts=True)
    told = np.zeros(len(rows))
    for first in range(0, len(patterns), _BATCH):
        part = slice(first, first + _BATCH)
        gradient = compiled.gradient(patterns[part])
        for name, derivative in gradient.evidence.items():
            table = current.tables[name]
            joint = derivative * table.probability  # P(parents, x | e)
            reached = joint.sum(axis=-1)  # P(parents | e)
            inside = joint / np.where(reached > 0, reached, 1)[..., None]
            prior = _entropy(table.probability)
            left = np.divide(_entropy(inside), prior, out=np.zeros_like(reached),
                             where=np.broadcast_to(prior > 0, reached.shape))  # fmt: skip
            cases = weights[part].astype(float) @ (reached * np.clip(1 - left, 0, 1)).reshape(
                len(derivative), -1
            )
            np.add.at(told, distinct.places[name][table.row_index.ravel()], cases)
    return told


def _entropy(p: FloatArray) -> FloatArray:
    return np.asarray(-(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1))


def _tables(
    network: BayesianNetwork, distinct: DistinctRows, rows: Sequence[Row]
) -> dict[str, Table]:
    return {
        name: Table(name, t.parents, tuple(rows[i] for i in distinct.places[name]), t.row_index)
        for name, t in network.tables.items()
    }


def _learned_row(
    row: Row,
    alpha: FloatArray,
    strength: float,
    n: FloatArray,
    told: float,
    network: BayesianNetwork,
    variable: str,
) -> Row:
    """Return the row at its new mean, worth the prior and the cases that told of it."""
    total = float(n.sum())
    alpha = alpha / alpha.sum() * (strength + told)
    if total < _LEAST_MOVED or told < _LEAST_MOVED:
        return replace(row, alpha=alpha)
    states = network.variable(variable).states
    study = Study(
        SOURCE,
        tuple((s, round(float(k))) for s, k in zip(states, n, strict=True) if round(float(k))),
        round(total),
        told,
        "expected counts where findings were missing",
    )
    return Row(
        alpha, "counts", f"{row.reason}; {told:.1f} local cases".lstrip("; "),
        (*row.studies, study),
    )  # fmt: skip


def _moved(
    network: BayesianNetwork,
    distinct: DistinctRows,
    free: Sequence[bool],
    start: Sequence[FloatArray],
    rows: Sequence[Row],
    counts: Sequence[FloatArray],
    informed: FloatArray,
) -> pd.DataFrame:
    import pandas as pd

    lines = []
    for i, row in enumerate(rows):
        total = float(counts[i].sum())
        if not free[i] or informed[i] < _LEAST_MOVED:
            continue
        name, position = distinct.first[i]
        before, strength = distinct.rows[i].mean, float(start[i].sum())
        spread = np.sqrt(before * (1 - before) / (strength + 1))
        given = parents_in_words(network, name, position)
        for k, state in enumerate(network.variable(name).states):
            if before[k] == 0:
                continue
            share = float(counts[i][k]) / total
            z = float((row.mean[k] - before[k]) / spread[k]) if spread[k] > 0 else 0.0
            reason = (
                f"{share:.0%} of {total:.1f} local cases, {informed[i]:.1f} of them observed, "
                f"against {before[k]:.0%} in evidence worth {strength:.1f} cases"
            )
            lines.append((name, given, state, float(before[k]), float(row.mean[k]), strength,
                          total, float(informed[i]), share, z, reason))  # fmt: skip
    columns = ["variable", "given", "state", "before", "after", "published_cases", "local_cases",
               "informative_cases", "local_share", "z", "reason"]  # fmt: skip
    table = pd.DataFrame(lines, columns=columns)
    return table.sort_values("z", key=np.abs, ascending=False, kind="stable").reset_index(drop=True)
