"""Which tests a pathologist orders: those that split the differential that is still open.

In each round the two leading diagnoses a and b of a case choose the tests that are expected to
say most about "a or b", measured by Jeffreys' divergence of their result distributions,

    J(a, b) = sum_t [ P(t | a) - P(t | b) ] ln [ P(t | a) / P(t | b) ],

until one diagnosis is probable enough or the budget is spent. What is ordered depends on
results alone and never on the truth, so the missing results are missing at random in the sense
of Rubin (1976): a posterior from what was observed is calibrated, and learning from it is
unbiased. A cohort with results missing "completely at random" teaches neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesenbayes.errors import CaseError
from mesenbayes.network.sampling import sample_codes
from mesenbayes.network.variable import NOT_OBSERVED

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network

IntArray = NDArray[np.intp]
BATCH = 10_000
"""Cases drawn at a time; part of what a seed means, so it is not a setting."""


@dataclass(frozen=True)
class OrderingPolicy:
    """How much is looked at, and when one stops.

    Parameters
    ----------
    ordered
        Groups of variables that are done on order; everything else is recorded or not by
        chance.
    recorded
        Probability that a finding which needs no order stands in the report. An assumption
        about reports, not about tumours.
    first_look, per_round, most
        Tests of the first round, of every further one, and in all.
    enough
        Probability of the leading diagnosis at which no more is ordered.
    """

    ordered: tuple[str, ...] = ("immunohistochemistry", "molecular")
    recorded: float = 0.8
    first_look: int = 4
    per_round: int = 2
    most: int = 12
    enough: float = 0.95

    def __post_init__(self) -> None:
        if not (0 <= self.recorded <= 1 and 0 < self.enough <= 1):
            raise CaseError("recorded and enough are probabilities")
        if min(self.first_look, self.per_round, self.most) < 0 or self.per_round == 0:
            raise CaseError("numbers of tests cannot be negative, and a round has at least one")


COMPLETE = OrderingPolicy(ordered=(), recorded=1.0)
"""Everything is known of everybody."""


def simulate_cohort(
    network: Network,
    n: int,
    policy: OrderingPolicy | None = None,
    *,
    target: str = "tumour",
    rng: np.random.Generator | int | None = None,
) -> Iterator[pd.DataFrame]:
    """Draw `n` patients as a laboratory would have recorded them, in frames of up to BATCH.

    Yields
    ------
    Columns ``id``, ``true_<target>``, ``true_genotype`` where there is one, and every finding;
    missing is None.
    """
    if n < 0:
        raise CaseError(f"cannot simulate {n} cases")
    chosen = policy or OrderingPolicy()
    generator = np.random.default_rng(rng)
    done = 0
    while done < n or done == n == 0:
        size = min(BATCH, n - done)
        truth = sample_codes(network, size, generator)
        seen = observe(network, truth, chosen, target=target, rng=generator)
        yield _frame(network, truth, seen, done, target)
        done += size
        if n == 0:
            return


def observe(
    network: Network,
    truth: IntArray,
    policy: OrderingPolicy,
    *,
    target: str = "tumour",
    rng: np.random.Generator | int | None = None,
) -> IntArray:
    """Return what is known of complete cases after the work-up, (cases, variables)."""
    generator = np.random.default_rng(rng)
    codes = np.full_like(truth, NOT_OBSERVED)
    tests = []
    for i, variable in enumerate(network.variables):
        if variable.role == "latent" or variable.name == target or variable.role == "genotype":
            continue
        if variable.group in policy.ordered and variable.role == "finding":
            tests.append(i)
            continue
        recorded = generator.random(len(truth)) < policy.recorded
        codes[recorded, i] = truth[recorded, i]
    if tests and len(truth):
        _order(network, truth, codes, np.array(tests), policy, target)
    return codes


def _order(
    network: Network,
    truth: IntArray,
    codes: IntArray,
    tests: IntArray,
    policy: OrderingPolicy,
    target: str,
) -> None:
    """Order tests round by round; `codes` is filled in place."""
    value = separation(network, target)[:, :, tests]  # (states, states, tests)
    ordered = np.zeros(len(truth), dtype=np.intp)
    wanted = min(policy.first_look, policy.most)
    open_cases = np.arange(len(truth)) if policy.most else np.empty(0, dtype=np.intp)
    while len(open_cases):
        posterior = network.compiled.run(codes[open_cases], targets=(target,)).posterior[target]
        undecided = posterior.max(axis=1) < policy.enough
        if not undecided.any():
            return
        open_cases, posterior = open_cases[undecided], posterior[undecided]
        leading = np.argsort(-posterior, axis=1, kind="stable")[:, :2]
        score = value[leading[:, 0], leading[:, -1]].copy()  # (cases, tests)
        score[codes[open_cases][:, tests] != NOT_OBSERVED] = -1
        chosen = np.argsort(-score, axis=1, kind="stable")[:, :wanted]
        for column in chosen.T:
            allowed = (
                (score[np.arange(len(score)), column] >= 0) & (ordered[open_cases] < policy.most)
            )
            cases, variables = open_cases[allowed], tests[column[allowed]]
            codes[cases, variables] = truth[cases, variables]
            ordered[cases] += 1
        left = (codes[open_cases][:, tests] == NOT_OBSERVED).any(axis=1)
        open_cases = open_cases[left & (ordered[open_cases] < policy.most)]
        wanted = policy.per_round


def separation(network: Network, target: str) -> NDArray[np.float64]:
    """Return J(a, b) of every pair of states and every variable, (states, states, variables)."""
    position = [v.name for v in network.variables].index(target)
    n_states = network.variable(target).cardinality
    codes = np.full((n_states, len(network.variables)), NOT_OBSERVED, dtype=np.intp)
    codes[:, position] = np.arange(n_states)
    given = network.compiled.marginals(codes, on_impossible="nan")
    value = np.zeros((n_states, n_states, len(network.variables)))
    for i, variable in enumerate(network.variables):
        p = np.clip(np.nan_to_num(given[variable.name]), 1e-12, 1)  # (states of target, results)
        log_p = np.log(p)
        cross = p @ log_p.T  # sum_t P(t | a) ln P(t | b)
        own = np.diag(cross)
        value[:, :, i] = own[:, None] + own[None, :] - cross - cross.T
    return np.maximum(value, 0.0)


def _frame(
    network: Network, truth: IntArray, seen: IntArray, first: int, target: str
) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, object] = {
        "id": [f"sim-{first + i + 1:07d}" for i in range(len(truth))]
    }
    for i, variable in enumerate(network.variables):
        if variable.name == target or variable.role in ("tumour", "genotype"):
            columns[f"true_{variable.name}"] = np.array(variable.states, dtype=object)[truth[:, i]]
    for i, variable in enumerate(network.variables):
        if variable.role in ("latent", "genotype") or f"true_{variable.name}" in columns:
            continue
        words = np.array([*variable.states, None], dtype=object)
        columns[variable.name] = words[seen[:, i]]
    return pd.DataFrame(columns, dtype=object)
