"""``mesenbayes simulate``: patients for classes and for power calculations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NETWORK = typer.Option("--network", help="Network by name, or its folder.")  # -n is the number
N = typer.Option("-n", "--cases", min=0, help="Number of patients.", show_default=False)
OUT = typer.Option("--out", "-o", help="File (.csv, .jsonl, .parquet).", show_default=False)
SEED = typer.Option("--seed", help="The same seed gives the same bytes.")
COMPLETE = typer.Option("--complete", help="Everything is known of everybody.")
MOST = typer.Option("--most", min=0, help="Tests ordered for one patient at most.")
ENOUGH = typer.Option("--enough", help="Probability at which no more tests are ordered.")
RECORDED = typer.Option("--recorded", help="Probability that an unordered finding is recorded.")


def simulate(
    n: Annotated[int, N],
    out: Annotated[Path, OUT],
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    seed: Annotated[int, SEED] = 1,
    complete: Annotated[bool, COMPLETE] = False,
    most: Annotated[int, MOST] = 12,
    enough: Annotated[float, ENOUGH] = 0.95,
    recorded: Annotated[float, RECORDED] = 0.8,
) -> None:
    """Draw patients whose tests were ordered as a pathologist orders them.

    Tests are ordered round by round to split the differential that is still open, and stop
    when it is settled: what is missing depends on what was found, never on the truth.

    Example: mesenbayes simulate -n 1000 --seed 7 --out class.csv
    """
    from mesenbayes.cohort.ordering import COMPLETE as EVERYTHING
    from mesenbayes.cohort.ordering import OrderingPolicy, simulate_cohort
    from mesenbayes.cohort.sink import FrameWriter
    from mesenbayes.facade import load_network

    policy = (
        EVERYTHING if complete else OrderingPolicy(most=most, enough=enough, recorded=recorded)
    )
    loaded = load_network(network)
    about = {"network": f"{loaded.name} {loaded.version} {loaded.digest}", "seed": str(seed),
             "policy": repr(policy)}  # fmt: skip
    target = "tumour"
    temporary = out.with_name(out.name + ".tmp")
    with FrameWriter(out, temporary, about) as writer:
        for frame in simulate_cohort(loaded, n, policy, target=target, rng=seed):
            writer.write(frame)
    temporary.replace(out)
    typer.echo(f"{n} patients of {loaded.name} {loaded.version}, seed {seed}: {out}")
