"""What rests on each finding, and what the tests not yet done could still say.

Each finding is taken back (not observed) and the case answered again; and of everything not
known, which single result would raise or lower the leading diagnosis most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mesenbayes.sensitivity.choice import Choice
from mesenbayes.sensitivity.distance import finding_distance
from mesenbayes.sensitivity.entries import FloatArray
from mesenbayes.sensitivity.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

LEAST = 1e-6
"""Results less probable than this are not thought of."""


def without_each_finding(problem: Problem, choice: Choice | None = None) -> pd.DataFrame:
    """Return the answer without each finding in turn.

    Returns
    -------
    One row for each finding: finding, probability of the leading hypothesis without it, who
    leads without it, whether that is another, what is chosen without it, and the distance
    bound: no odds can move by more than exp(distance) through an uncertain finding.
    """
    import pandas as pd

    leading = int(problem.mass.argmax())
    wanted = choice or Choice.diagnosis(problem.names)
    now = int(wanted.recommended(problem.mass))
    lines = []
    for v in np.flatnonzero(problem.codes >= 0):
        node = problem.network.variables[v]
        codes = problem.codes.copy()
        codes[v] = -1
        label = f"{node.name}={node.states[problem.codes[v]]}"
        lines.append((label, problem.with_codes(codes[None])[0][0], np.inf))
    for name, likelihood in problem.likelihoods.items():
        rest = {k: u for k, u in problem.likelihoods.items() if k != name}
        other = Problem(
            problem.network, problem.compiled, problem.codes, rest, problem.hypotheses
        )
        mass = other.with_codes(problem.codes[None])[0][0]
        lines.append((name, mass, finding_distance(likelihood)))
    rows = []
    for label, mass, distance in lines:
        chosen = int(wanted.recommended(mass))
        rows.append(
            {
                "finding": label,
                "with": problem.mass[leading],
                "without": mass[leading],
                "change": problem.mass[leading] - mass[leading],
                "leads_without": problem.names[int(mass.argmax())],
                "flips": int(mass.argmax()) != leading,
                "chosen_without": wanted.options[chosen],
                "choice_changes": chosen != now,
                "distance": distance,
            }
        )
    columns = ["finding", "with", "without", "change", "leads_without", "flips",
               "chosen_without", "choice_changes", "distance"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.sort_values("change", ascending=False, ignore_index=True, key=np.abs)
    if len(frame):
        first, flips = frame.iloc[0], int(frame["flips"].sum())
        frame.attrs["sentence"] = (
            f"Most rests on {first['finding']}: without it P({problem.names[leading]}) is "
            f"{first['without']:.3g} instead of {first['with']:.3g}. Findings without which "
            f"another diagnosis leads: {flips} of {len(frame)}."
        )
    return frame


def every_result(problem: Problem, choice: Choice | None = None) -> pd.DataFrame:
    """Return what every single result of everything not yet known would do.

    Returns
    -------
    One row for each possible result of a variable that one can look for: variable, state, its
    probability, probability of the leading hypothesis after it, who leads, what is chosen.
    """
    import pandas as pd

    leading = int(problem.mass.argmax())
    wanted = choice or Choice.diagnosis(problem.names)
    now = int(wanted.recommended(problem.mass))
    trials, what = [], []
    asked = {v for v, _ in problem.hypotheses}
    for v, node in enumerate(problem.network.variables):
        known = problem.codes[v] >= 0 or node.name in problem.likelihoods
        if known or node.role == "latent" or node.name in asked:
            continue
        for state in range(node.cardinality):
            codes = problem.codes.copy()
            codes[v] = state
            trials.append(codes)
            what.append((node.name, node.states[state]))
    columns = ["variable", "state", "probability", "leading_probability", "leads", "flips",
               "chosen", "choice_changes"]  # fmt: skip
    if not trials:
        return pd.DataFrame([], columns=columns)
    mass, log_evidence = problem.with_codes(np.stack(trials))
    probability = np.nan_to_num(np.exp(log_evidence - problem.log_evidence), nan=0.0)
    rows = []
    for (name, result), p, after in zip(what, probability, mass, strict=True):
        if p < LEAST:
            continue
        top, chosen = int(after.argmax()), int(wanted.recommended(after))
        rows.append(
            (name, result, p, after[leading], problem.names[top], top != leading,
             wanted.options[chosen], chosen != now)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def worst_and_best(problem: Problem) -> pd.DataFrame:
    """Return the completions of what is not known that hurt and help the leading hypothesis most.

    Findings are added one at a time, always the result that moves the leading hypothesis most
    among those with a probability of at least one in twenty: an achievable bad (good) day, not
    a bound over all joint results.

    Returns
    -------
    Two rows, worst and best: probability of the leading hypothesis, who leads, the results.
    """
    import pandas as pd

    leading = int(problem.mass.argmax())
    rows = []
    for completion, sign in (("worst", -1.0), ("best", 1.0)):
        codes, mass, steps = problem.codes.copy(), problem.mass, list[str]()
        for _ in range(5):
            now = Problem(
                problem.network, problem.compiled, codes, problem.likelihoods, problem.hypotheses
            )
            frame = every_result(now)
            frame = frame[frame["probability"] >= 0.05]
            if frame.empty:
                break
            after = _leading_after(now, frame, leading)
            best = int((sign * after).argmax())
            if sign * (after[best] - mass[leading]) <= 1e-9:
                break
            line = frame.iloc[best]
            order = [v.name for v in problem.network.variables]
            v = order.index(str(line["variable"]))
            codes = codes.copy()
            codes[v] = problem.network.variables[v].index(str(line["state"]))
            mass = problem.with_codes(codes[None])[0][0]
            steps.append(f"{line['variable']}={line['state']}")
        rows.append(
            (completion, mass[leading], problem.names[int(mass.argmax())], ", ".join(steps))
        )
    return pd.DataFrame(rows, columns=["completion", "probability", "leads", "results"])


def _leading_after(problem: Problem, frame: pd.DataFrame, leading: int) -> FloatArray:
    """Return P(the hypothesis that led at first) after each result of a frame."""
    names = [v.name for v in problem.network.variables]
    trials = []
    for variable, state in zip(frame["variable"], frame["state"], strict=True):
        codes = problem.codes.copy()
        v = names.index(variable)
        codes[v] = problem.network.variables[v].index(state)
        trials.append(codes)
    return np.asarray(problem.with_codes(np.stack(trials))[0][:, leading])
