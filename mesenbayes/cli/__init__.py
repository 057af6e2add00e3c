"""The command line: one file a command. Bad input is one line and exit status 2."""

from __future__ import annotations

import os
import sys

import typer

from mesenbayes import __version__
from mesenbayes.cli import app as teaching
from mesenbayes.cli import (
    cohort,
    compare,
    convert,
    diagnose,
    evidence,
    explain,
    held_out,
    learn,
    none_of_these,
    open_cases,
    sensitivity,
    simulate,
    treat,
    validate,
    vocabulary,
    workup,
)
from mesenbayes.errors import MesenbayesError

app = typer.Typer(
    name="mesenbayes",
    help="Bayesian diagnostic reasoning about mesenchymal tumours. For research and teaching, "
    "not for the care of patients.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mesenbayes {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    pass


app.command("diagnose")(diagnose.diagnose)
app.command("explain")(explain.explain)
app.command("workup")(workup.workup)
app.command("compare")(compare.compare)
app.command("none-of-these")(none_of_these.none_of_these)
app.command("treat")(treat.treat)
app.add_typer(treat.treatment, name="treatment")
app.command("vocabulary")(vocabulary.vocabulary)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("cohort")(cohort.cohort)
app.command("simulate")(simulate.simulate)
app.command("validate")(validate.validate)
app.command("learn")(learn.learn)
app.command("held-out")(held_out.held_out)
app.command("open-cases")(open_cases.open_cases)
app.command("app")(teaching.app)
app.add_typer(evidence.app, name="evidence")
app.add_typer(convert.app, name="convert")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except MesenbayesError as error:
        # One line each; a broken table may have many.
        for line in str(error).splitlines():
            print(f"mesenbayes: {line}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of a pipe has seen enough; do not let the interpreter complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
