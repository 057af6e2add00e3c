"""Options that several commands share, and how their words are read."""

from __future__ import annotations

import typer

CASE = typer.Argument(help="Case file, YAML or JSON; - is standard input.", show_default=False)
CASES = typer.Argument(help="Case files, YAML or JSON; - is standard input.", show_default=False)
NETWORK = typer.Option("--network", "-n", help="Network: name, folder or file (.bif, .xdsl).")
IGNORE = typer.Option("--ignore-unknown", help="Set aside findings that the network lacks.")
JSON = typer.Option("--json", help="Print data instead of a report.")
TARGET = typer.Option("--target", help="Variable that is asked about.")
MAPPING = typer.Option("--mapping", help="What the columns and words of the file mean (TOML).")
PREVALENCE = typer.Option("--prevalence", help="Share in the population, GIST=0.6; repeatable.")


def prevalence_shares(words: list[str]) -> dict[str, float]:
    """Read CODE=share words, as the option --prevalence takes them."""
    from mesenbayes.errors import CaseError

    shares = {}
    for word in words:
        name, _, number = word.partition("=")
        try:
            shares[name.strip()] = float(number)
        except ValueError:
            raise CaseError(f"--prevalence {word}: expected CODE=share, GIST=0.6") from None
    return shares
