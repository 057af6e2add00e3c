"""A dated follow-up calendar: table, iCalendar file, plot."""

from __future__ import annotations

import calendar
import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mesenbayes.treatment.conditions import Facts, parse
from mesenbayes.treatment.records import Record
from mesenbayes.treatment.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


LEAST = 0.05
"""A schedule less probable than this is not dated."""


@dataclass(frozen=True)
class Visit(Result):
    """One appointment."""

    date: datetime.date
    month: int
    examination: str
    interval: str
    source: str
    source_id: str
    trust: str
    note: str


@dataclass(frozen=True)
class FollowUp(Result):
    """Follow-up by the schedule that applies (see :func:`plan_follow_up`).

    Parameters
    ----------
    schedule
        Its name; empty if none of the published schedules applies.
    probability
        Probability that its condition holds.
    alternatives
        Other schedules with their probabilities.
    visits
        In order of date.
    """

    schedule: str
    probability: float
    start: datetime.date
    alternatives: dict[str, float]
    visits: tuple[Visit, ...]
    sentence: str

    def rows(self) -> list[dict[str, Any]]:
        """One row per visit."""
        return [visit.to_dict() for visit in self.visits]

    def to_ical(self) -> str:
        """Return the calendar as an iCalendar file (RFC 5545, all-day events, CRLF)."""
        stamp = f"{self.start:%Y%m%d}T000000Z"
        lines = [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//mesenbayes//follow-up//EN",
            "CALSCALE:GREGORIAN",
        ]  # fmt: skip
        for visit in self.visits:
            key = f"{self.schedule}|{visit.date}|{visit.examination}".encode()
            lines += [
                "BEGIN:VEVENT",
                f"UID:{hashlib.sha256(key).hexdigest()[:24]}@mesenbayes",
                f"DTSTAMP:{stamp}",
                f"DTSTART;VALUE=DATE:{visit.date:%Y%m%d}",
                f"SUMMARY:{_escape(f'Follow-up, month {visit.month}: {visit.examination}')}",
                "DESCRIPTION:"
                + _escape(f"{visit.interval}; {visit.source}. Research and teaching only."),
                "TRANSP:TRANSPARENT",
                "END:VEVENT",
            ]
        lines.append("END:VCALENDAR")
        return "".join(_fold(line) + "\r\n" for line in lines)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the visits on a time line, one row per examination."""
        from mesenbayes.plots.calendar import plot_calendar

        return plot_calendar(self, ax)


def add_months(start: datetime.date, months: int) -> datetime.date:
    """Return the date `months` later; the last day of the month where the day is missing."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return datetime.date(year, month + 1, day)


def plan_follow_up(records: Sequence[Record], facts: Facts, start: datetime.date) -> FollowUp:
    """Choose a schedule and date its visits from `start`.

    Of the schedules at least half as probable as the likeliest the one with the closest watch
    is taken (the file lists them in that order): what is not determined is watched.

    Where the source prints a range ("every 3 to 6 months") the shorter interval is dated
    and the range is kept in the text.
    """
    chances: dict[str, float] = {}
    opened: dict[str, tuple[str, ...]] = {}
    watching: set[str] = set()
    for record in records:
        name = record.text("schedule")
        if name not in chances:
            truth = facts.evaluate(record.text("condition"))
            chances[name] = truth.probability
            opened[name] = truth.open_atoms
            if any(atom.name == "strategy" for atom in parse(record.text("condition"))):
                watching.add(name)
    most = max(chances.values(), default=0.0)
    if most < LEAST:
        return FollowUp("", 0.0, start, {}, (), "No published schedule in the folder applies.")
    # schedules of watching go before those after an operation; then, of those that are not
    # far less probable than the likeliest, the first in the file, which is the closest watch
    serious = [name for name, p in chances.items() if p >= most / 2]
    chosen = next((name for name in serious if name in watching), serious[0])
    ranked = sorted(chances, key=lambda name: -chances[name])
    visits = []
    for record in records:
        if record.text("schedule") != chosen:
            continue
        first, last, every, widest = (
            int(record.number(column) or 0)
            for column in ("from_month", "to_month", "every_months", "every_months_at_most")
        )
        interval = f"every {every}" + (f" to {widest}" if widest != every else "") + " months"
        for month in range(first + every, last + 1, every) if every else ():
            visits.append(
                Visit(
                    add_months(start, month), month, record.text("examination"), interval,
                    record.text("source"), record.text("source_id"), record.text("trust"),
                    record.text("note"),
                )
            )  # fmt: skip
    visits.sort(key=lambda visit: (visit.date, visit.examination))
    text = f"Schedule {chosen.replace('_', ' ')} (probability {chances[chosen]:.2f})"
    text += f", {len(visits)} visits from {start.isoformat()}" if visits else ": none by routine"
    if opened[chosen]:
        text += f"; {' and '.join(opened[chosen])} is not stated and was assumed"
    others = {n: chances[n] for n in ranked if n != chosen and chances[n] >= 0.01}
    return FollowUp(chosen, chances[chosen], start, others, tuple(visits), text + ".")


def _escape(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return text


def _fold(line: str) -> str:
    """Fold a content line at 75 octets, never inside a character."""
    pieces: list[str] = []
    current = b""
    for character in line:
        octets = character.encode()
        if len(current) + len(octets) > (75 if not pieces else 74):
            pieces.append(current.decode())
            current = b""
        current += octets
    pieces.append(current.decode())
    return "\r\n ".join(pieces)
