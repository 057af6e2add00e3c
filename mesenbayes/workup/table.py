"""What a test costs: a table that a user replaces with their own.

A test is something that can be ordered: one stain, one sequencing panel that answers many
genes, one CT that answers many findings. Tests of one *group* share what is paid once (a block
is cut, nucleic acid is extracted); tests of one panel are paid once however many findings they
answer.
"""

from __future__ import annotations

import csv
import fnmatch
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mesenbayes.errors import EvidenceError, NetworkError, did_you_mean, nearest
from mesenbayes.network.network import BayesianNetwork
from mesenbayes.network.variable import Variable
from mesenbayes.workup.conditions import Condition, parse_condition

COLUMNS = (
    "test", "label", "kind", "reveals", "each", "money", "group", "group_money", "days",
    "complication", "tissue", "needs", "source_id", "trust", "note",
)  # fmt: skip
RATES = (
    "money_per_utility", "loss_per_day", "loss_per_complication", "slides", "stop_probability"
)  # fmt: skip
KINDS = ("imaging", "stain", "fish", "sequencing")
"""In the order of the clinic: what comes first is on the left."""


@dataclass(frozen=True)
class OrderableTest:
    """One test that can be ordered.

    Parameters
    ----------
    reveals
        Variables that its result states.
    money, group_money
        Price, and what the first test of its group costs on top.
    days
        Until the result.
    complication
        Probability of a complication.
    tissue
        Sections used.
    needs
        When it makes sense at all.
    source_id, trust, note
        Who says so; trust ``assumption`` where nobody does.
    """

    name: str
    label: str
    kind: str
    reveals: tuple[str, ...]
    money: float
    group: str
    group_money: float
    days: float
    complication: float
    tissue: float
    needs: Condition
    source_id: str
    trust: str
    note: str


@dataclass(frozen=True)
class Bill:
    """What a set of tests costs together."""

    money: float
    days: float
    complication: float
    tissue: float

    def loss(self, rates: Mapping[str, float]) -> float:
        """Return the cost in units of utility."""
        return (
            self.money / rates["money_per_utility"]
            + self.days * rates["loss_per_day"]
            + self.complication * rates["loss_per_complication"]
        )


@dataclass(frozen=True, eq=False)
class TestTable:
    """All tests of a network with their costs and the exchange rates between them."""

    __test__ = False  # not a test of pytest's

    tests: tuple[OrderableTest, ...]
    rates: Mapping[str, float]
    digest: str = ""
    assumptions: tuple[str, ...] = field(default=(), repr=False)

    def bill(self, tests: Iterable[OrderableTest], paid: frozenset[str] = frozenset()) -> Bill:
        """Return what tests cost when ordered together.

        Group costs are paid once, or not at all if the group is in `paid` (a block already
        cut); days run in parallel; complications combine as one minus the product of none.
        """
        chosen = list({t.name: t for t in tests}.values())
        groups = {t.group: t.group_money for t in chosen if t.group and t.group not in paid}
        none = 1.0
        for test in chosen:
            none *= 1 - test.complication
        return Bill(
            sum(t.money for t in chosen) + sum(groups.values()),
            max((t.days for t in chosen), default=0.0),
            1 - none,
            sum(t.tissue for t in chosen),
        )

    def test(self, name: str) -> OrderableTest:
        """Return a test by name.

        Raises
        ------
        NetworkError
            If there is none; names the nearest.
        """
        for test in self.tests:
            if test.name == name:
                return test
        near = nearest(name, [t.name for t in self.tests])
        raise NetworkError(f"there is no test '{name}' in the table{did_you_mean(near)}")

    def cheapest_for(self, variable: str) -> OrderableTest | None:
        """Return the cheapest test that answers a variable."""
        found = [t for t in self.tests if variable in t.reveals]
        return min(found, key=lambda t: (t.money + t.group_money, t.days), default=None)


def read_test_table(
    network: BayesianNetwork, folder: Path, tests_file: Path | None = None
) -> TestTable:
    """Read ``tests.csv`` (or a user's own) and ``rates.csv`` of a work-up folder.

    Raises
    ------
    NetworkError
        If a file is missing.
    EvidenceError
        With every broken cell.
    """
    path = tests_file or folder / "tests.csv"
    rows = read_rows(path, COLUMNS)
    problems: list[str] = []
    tests: list[OrderableTest] = []
    assumptions: list[str] = []
    for line, row in rows:
        where = f"{path.name}:{line}"
        tests += _tests(network, row, where, problems)
        if row["trust"] == "assumption":
            assumptions.append(f"{row['label']}: {row['note']}")
    rates: dict[str, float] = {}
    for line, row in read_rows(folder / "rates.csv", ("quantity", "value", "trust", "note")):
        value = _number(row["value"], f"rates.csv:{line}: value", problems)
        rates[row["quantity"]] = value
        if row["trust"] == "assumption":
            assumptions.append(f"{row['quantity']} = {value:g}: {row['note']}")
    problems += [f"rates.csv: '{name}' is missing" for name in RATES if name not in rates]
    if problems:
        raise EvidenceError(problems)
    digest = hashlib.sha256(path.read_bytes() + (folder / "rates.csv").read_bytes()).hexdigest()
    return TestTable(tuple(tests), rates, digest[:16], tuple(assumptions))


def read_rows(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Return (line, row) of a CSV file that has at least `columns`."""
    if not path.is_file():
        raise NetworkError(f"{path}: there is no such file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
            if missing:
                raise NetworkError(f"{path}: column '{missing[0]}' is missing")
            return [
                (reader.line_num, {k: (v or "").strip() for k, v in row.items() if k})
                for row in reader
            ]
    except UnicodeDecodeError:
        raise NetworkError(f"{path}: this is not a text file in UTF-8") from None


def _tests(
    network: BayesianNetwork, row: Mapping[str, str], where: str, problems: list[str]
) -> list[OrderableTest]:
    """Return the tests of one row: one, or with ``each`` one a variable."""
    variables = match_variables(network, row["reveals"])
    if row["kind"] not in KINDS:
        problems.append(f"{where}: kind '{row['kind']}' is not one of {', '.join(KINDS)}")
    if row["each"] not in ("yes", "no"):
        problems.append(f"{where}: each is '{row['each']}', not yes or no")
    numbers = {
        key: _number(row[key], f"{where}: {key}", problems)
        for key in ("money", "group_money", "days", "complication", "tissue")
    }
    if numbers["complication"] > 1:
        problems.append(f"{where}: complication is {numbers['complication']:g}, not a probability")
    if not row["source_id"] and row["trust"] != "assumption":
        problems.append(f"{where}: neither a source nor marked as assumption")
    try:
        needs = parse_condition(row["needs"])
    except NetworkError as error:
        problems.append(f"{where}: needs: {error}")
        return []

    def made(name: str, label: str, reveals: tuple[str, ...]) -> OrderableTest:
        return OrderableTest(
            name, label, row["kind"], reveals, numbers["money"], row["group"],
            numbers["group_money"], numbers["days"], numbers["complication"], numbers["tissue"],
            needs, row["source_id"], row["trust"], row["note"],
        )  # fmt: skip

    if not variables:
        return []  # a smaller network leaves these findings out
    if row["each"] == "yes":
        return [made(v.name, f"{v.label} {row['label']}", (v.name,)) for v in variables]
    return [made(row["test"], row["label"], tuple(v.name for v in variables))]


def match_variables(network: BayesianNetwork, pattern: str) -> list[Variable]:
    """Return the findings that a pattern names.

    Names with ``*`` separated by ``|``; ``group:NAME`` takes a whole group, ``group:NAME a*|b``
    the part of it that matches.
    """
    found = [v for v in network.variables if v.role == "finding"]
    text = pattern.strip()
    if text.startswith("group:"):
        group, _, text = text.removeprefix("group:").partition(" ")
        found = [v for v in found if v.group == group]
        if not text:
            return found
    names = [n.strip() for n in text.split("|") if n.strip()]
    return [v for v in found if any(fnmatch.fnmatchcase(v.name, n) for n in names)]


def _number(text: str, where: str, problems: list[str]) -> float:
    try:
        value = float(text)
    except ValueError:
        problems.append(f"{where} is '{text}', not a number")
        return 0.0
    if not 0 <= value < float("inf"):
        problems.append(f"{where} is {text}, not a number >= 0")
        return 0.0
    return value
