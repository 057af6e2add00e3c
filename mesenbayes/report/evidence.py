"""Evidence on the terminal: coverage, one cell, sources, rows, what moves, joint patterns."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mesenbayes.evidence.sources import EvidenceLine, Sources
from mesenbayes.network.cell_evidence import CellEvidence, StudyLine
from mesenbayes.network.coverage import WORST, Coverage
from mesenbayes.sensitivity.joint_patterns import JointCheck
from mesenbayes.sensitivity.leave_out import LeaveOut, Move

SIGNS = {"counts": "#", "definition": "=", "prior": "p", "borrowed": "."}
"""Origin of a cell -> its sign in the matrix."""


def print_coverage(coverage: Coverage, out: Console) -> None:
    """Print the matrix, findings down and tumours across, and the worst holes."""
    widest = max((len(name) for name in coverage.findings), default=0)
    tallest = max((len(code) for code in coverage.tumours), default=0)
    for level in range(tallest):
        letters = "".join(code.rjust(tallest)[level] for code in coverage.tumours)
        out.print(Text(" " * (widest + 1) + letters), no_wrap=True, crop=False)
    for j, finding in enumerate(coverage.findings):
        signs = "".join(SIGNS[o] for o in coverage.origin[:, j])
        n = int(coverage.n[:, j].sum())
        line = f"{finding.ljust(widest)} {signs} {n:>7} cases"
        out.print(Text(line), no_wrap=True, crop=False)
    legend = ", ".join(f"{SIGNS[o]} {o} {count}" for o, count in coverage.by_origin.items())
    out.print(Text(f"\n{legend}"))
    out.print(Text(coverage.sentence))
    for core in coverage.cores:
        out.print(Text(f"{core.name}: {', '.join(core.tumours)}; {', '.join(core.findings)}"))
    if not coverage.holes:
        return
    table = Table(title="Worst holes: what a contributor could bring")
    for heading in ("tumour", "finding", "filled by", "bits", "core"):
        table.add_column(heading)
    for hole in coverage.holes[:WORST]:
        table.add_row(hole.tumour, hole.finding, hole.origin, f"{hole.bits:.2f}",
                      "yes" if hole.is_core else "")  # fmt: skip
    out.print(table)


def print_cell(cell: CellEvidence, out: Console) -> None:
    """Print each study of a cell and what they add up to."""
    out.print(Text(f"{cell.label} in {cell.tumour_name}", style="bold"))
    for title, lines in (
        ("Pooled studies", cell.studies),
        ("Studies of single genotypes (rows of their own)", cell.by_genotype),
        ("Not pooled", cell.excluded),
    ):
        if lines:
            out.print(_studies(title, lines, cell.state))
    out.print(Text(cell.sentence))
    low, high = cell.prediction
    out.print(
        Text(
            f"Between laboratories: rho {cell.rho:.3f}; one more laboratory would find "
            f"{low:.1%} to {high:.1%} (95 %)."
        )
    )
    low, high = cell.borrowed_interval
    out.print(
        Text(
            f"Without its own studies: {cell.borrowed_rate:.1%} ({low:.1%} to {high:.1%}), "
            f"{cell.borrowed.origin}: {cell.borrowed.reason}"
        )
    )


def _studies(title: str, lines: Iterable[StudyLine], state: str) -> Table:
    lines = tuple(lines)
    pooled = any(line.effective_n for line in lines)
    table = Table(title=title, title_justify="left")
    headings = ("source", f"{state}", "rate", "95 % interval", "worth", "trust", "which cases")
    for heading in headings:
        right = heading in (state, "rate", "worth")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    if not pooled:
        table.add_column("why not", overflow="fold")
    for line in lines:
        low, high = line.interval
        about = "; ".join(part for part in (line.given, line.subgroup) if part)
        table.add_row(
            line.source_id,
            f"{line.k:.4g}/{line.n}",
            f"{line.rate:.0%}",
            f"{low:.0%} to {high:.0%}",
            f"{line.effective_n:.1f}" if line.effective_n else "",
            line.trust,
            Text(about),
            *(() if pooled else (Text(line.exclude),)),
        )
    return table


def print_sources(sources: Sources, out: Console) -> None:
    """Print one line a source."""
    table = Table()
    for heading in ("source", "rows", "pooled", "cells", "citation"):
        right = heading in ("rows", "pooled", "cells")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for use in sources:
        table.add_row(
            use.source.source_id, str(use.rows), str(use.pooled), str(use.cells),
            Text(use.source.citation()),
        )  # fmt: skip
    out.print(table)
    out.print(Text(sources.sentence))


def print_lines(lines: Iterable[EvidenceLine], out: Console) -> None:
    """Print rows one under the other, each with its quote and where to find the source."""
    for line in lines:
        out.print(Text(f"{line.where}  {line.statement}", style="bold"))
        out.print(Text(f"    \"{line.quote or '(no quote)'}\""))
        pooled = f"not pooled: {line.exclude}" if line.exclude else "pooled"
        out.print(Text(f"    {line.trust}, {pooled}; {line.source_id}: {line.citation}"))
        if line.url:
            out.print(Text(f"    {line.url}"))


def print_leave_out(result: LeaveOut, out: Console) -> None:
    """Print what changes a first diagnosis, and the largest moves that do not."""
    if result.flips:
        out.print(_moves("Changes of the first diagnosis", result.flips))
    quiet = [move for move in result.largest(10) if not move.flips]
    if quiet:
        out.print(_moves("Largest moves that leave it in place", quiet))
    out.print(Text(result.sentence))


def _moves(title: str, moves: Iterable[Move]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("case", "without / rounded to", "before", "after"):
        table.add_column(heading, overflow="fold")
    for move in moves:
        table.add_row(
            Text(move.case),
            move.change,
            f"{move.before} {move.p_before:.1%}",
            Text(_after(move)),
        )
    return table


def _after(move: Move) -> str:
    if move.note:
        return f"{move.after}: {move.note}"
    if move.flips:
        return f"{move.after} (then {move.before} {move.p_after:.1%})"
    return f"{move.before} {move.p_after:.1%}"


def print_joint(result: JointCheck, out: Console) -> None:
    """Print each published joint count beside the model's interval."""
    table = Table()
    for heading in ("tumour", "pattern", "given", "published", "model", "if independent",
                    "95 % predictive", "inside", "source"):  # fmt: skip
        table.add_column(heading, overflow="fold")
    for p in result.patterns:
        table.add_row(
            p.tumour,
            Text(p.pattern.replace(";", ", ")),
            Text(p.given),
            f"{p.k}/{p.n}",
            f"{p.p:.1%}",
            f"{p.p_independent:.1%}",
            f"{p.low} to {p.high}",
            "yes" if p.is_inside else "NO",
            p.source_id,
        )
    out.print(table)
    for line in result.set_aside:
        out.print(Text(f"set aside: {line}"))
    out.print(Text(result.sentence))
