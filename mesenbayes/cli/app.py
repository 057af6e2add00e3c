"""``mesenbayes app``: the teaching app in a browser."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from mesenbayes.cli.options import NETWORK
from mesenbayes.errors import MesenbayesError

HOST = typer.Option("--host", help="Address to listen on; other machines see it if not loopback.")
PORT = typer.Option("--port", "-p", min=0, max=65535, help="Port; 0 takes any that is free.")


def app(
    network: Annotated[str, NETWORK] = "gi-mesenchymal",
    host: Annotated[str, HOST] = "127.0.0.1",
    port: Annotated[int, PORT] = 8000,
) -> None:
    """Open a teaching app for the browser: cases, a quiz, scenarios side by side.

    Nothing entered is stored or sent anywhere. Example: mesenbayes app --port 8001
    """
    if find_spec("shiny") is None:
        raise MesenbayesError("the app needs Shiny: pip install 'mesenbayes[web]'")
    from mesenbayes.facade import load_network
    from mesenbayes.web.serve import is_loopback, listen, serve

    listening = listen(host, port)
    loaded = load_network(network)
    if not is_loopback(host):
        typer.echo(f"warning: {host} may be reached by other machines; nobody is asked who they "
                   "are", err=True)  # fmt: skip
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"The app is at http://{shown}:{listening.getsockname()[1]} (Ctrl-C ends it)")
    serve(loaded, listening, host)
