"""Cases in a DataFrame: rows are cases, columns findings, missing is not observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mesenbayes.cohort.answer import ReadCases, answer, read_chunk, result_column
from mesenbayes.cohort.cells import CellReader
from mesenbayes.cohort.mapping import ColumnMapping
from mesenbayes.cohort.source import Chunk
from mesenbayes.errors import CaseError

if TYPE_CHECKING:
    import pandas as pd

    from mesenbayes.facade import Network

Errors = Literal["raise", "set_aside"]
_CHUNK = 20_000


def diagnose_frame(
    network: Network,
    frame: pd.DataFrame,
    *,
    target: str = "tumour",
    mapping: ColumnMapping | None = None,
    ignore_unknown: bool = False,
    errors: Errors = "raise",
) -> pd.DataFrame:
    """Return P(target | findings) of every row.

    Parameters
    ----------
    frame
        Columns by any name of the vocabulary, or by the mapping; numbers or states. Columns
        of answers (``true_tumour``, or the target itself) are no evidence.
    errors
        ``raise`` at the first row that cannot be read, or ``set_aside``: such rows are NaN
        and stand with their reasons in ``result.attrs["rejected"]``.

    Returns
    -------
    The index of `frame`, one column for each state of `target`; rows add up to 1.

    Raises
    ------
    CaseError
        A column that means nothing, or a row that cannot be read.
    """
    import pandas as pd

    reader = CellReader(network, mapping, target=target, ignore_unknown=ignore_unknown)
    states = list(network.variable(target).states)
    result = np.full((len(frame), len(states)), np.nan)
    rejected = {}
    for cases in read_frame(reader, frame):
        answered = answer(reader, cases)
        for row, _, reason in answered.rejected:
            if errors == "raise":
                raise CaseError(f"row {frame.index[row - 1]}: {reason}")
            rejected[frame.index[row - 1]] = reason
        bad = {row for row, _, _ in answered.rejected}
        kept = np.array([row - 1 for row in cases.rows if row not in bad], dtype=np.intp)
        result[kept] = answered.frame[[result_column(s) for s in states]].to_numpy()
    posterior = pd.DataFrame(result, index=frame.index, columns=states)
    if errors == "set_aside":
        posterior.attrs["rejected"] = rejected
    return posterior


def read_frame(
    reader: CellReader, frame: pd.DataFrame, truths: tuple[str, ...] | None = None
) -> list[ReadCases]:
    """Return the rows of a frame in the network's arrays, in chunks.

    Parameters
    ----------
    truths
        Columns of answers to keep; all that there are unless named.
    """
    _, answers, _ = reader.match_header([str(name) for name in frame.columns])
    kept = tuple(answers) if truths is None else truths
    parts = []
    for number, start in enumerate(range(0, len(frame), _CHUNK)):
        rows = frame.iloc[start : start + _CHUNK]
        numbers = list(range(start + 1, start + len(rows) + 1))
        columns = {str(name): rows.iloc[:, i].array for i, name in enumerate(frame.columns)}
        chunk = Chunk(number, start, len(rows), numbers, columns)
        parts.append(read_chunk(reader, chunk, kept))
    return parts


def read_labelled(
    reader: CellReader, frame: pd.DataFrame, truth: str | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp], ReadCases]:
    """Return codes and true states of the cases of a frame whose answer is known.

    Parameters
    ----------
    truth
        Column of the answer; the one of ``true_<target>`` or of the target unless named.

    Returns
    -------
    codes : (cases, variables)
    truth : (cases,)
        State index of the target.
    cases
        The same cases with ids, and who was set aside.

    Raises
    ------
    CaseError
        If there is no such column.
    """
    header = [str(name) for name in frame.columns]
    named = truth or next((n for n in header if reader.is_truth(n) and reader.truth_name(n)
                           == f"true_{reader.target}"), None)  # fmt: skip
    if named is None or named not in header:
        raise CaseError(
            f"there is no column of answers, true_{reader.target}"
            if truth is None
            else f"there is no column '{truth}'"
        )
    answers = tuple(n for n in header if reader.is_truth(n))
    if named not in answers:
        frame = frame.rename(columns={named: f"true_{reader.target}"})
        named = f"true_{reader.target}"
    parts = [_known_only(reader, part, reader.truth_name(named))
             for part in read_frame(reader, frame, (named,))]  # fmt: skip
    cases = _joined(parts)
    states = {s: i for i, s in enumerate(reader.network.variable(reader.target).states)}
    words = cases.truths[reader.truth_name(named)]
    return cases.codes, np.array([states[w] for w in words], dtype=np.intp), cases


def _known_only(reader: CellReader, part: ReadCases, name: str) -> ReadCases:
    states = reader.network.variable(reader.target).states
    words = part.truths[name]
    keep = np.isin(words, states)
    aside = [
        (int(part.rows[i]), str(part.ids[i]),
         f"{name}: '{words[i]}' is not a state of {reader.target}" if words[i]
         else f"{name}: the answer is missing")
        for i in np.flatnonzero(~keep)
    ]  # fmt: skip
    return part.part(keep, aside)


def _joined(parts: list[ReadCases]) -> ReadCases:
    if not parts:
        raise CaseError("there are no cases")
    names = list(dict.fromkeys(name for part in parts for name in part.likelihoods))
    tables = {}
    for name in names:
        width = next(p.likelihoods[name].shape[1] for p in parts if name in p.likelihoods)
        tables[name] = np.concatenate(
            [p.likelihoods.get(name, np.ones((len(p.rows), width))) for p in parts]
        )
    return ReadCases(
        np.concatenate([p.rows for p in parts]),
        np.concatenate([p.ids for p in parts]),
        np.concatenate([p.codes for p in parts]),
        tables,
        {k: np.concatenate([p.truths[k] for p in parts]) for k in parts[0].truths},
        tuple(r for p in parts for r in p.rejected),
    )
