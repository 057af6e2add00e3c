"""Serves the app to this machine only, unless told otherwise."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from mesenbayes.errors import MesenbayesError

if TYPE_CHECKING:
    from mesenbayes.facade import Network

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'self'"
)
"""The browser itself refuses to load from or send to any other host."""
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def guarded(app: Application, host: str) -> Application:
    """Return `app` with the headers above; on loopback, other host names are refused, so that a
    foreign page cannot reach the app under a name of its own."""
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    async def with_headers(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        if scope.get("path") == "/favicon.ico":  # browsers ask for one before they read the page
            await send_more({"type": "http.response.start", "status": 204})
            await send({"type": "http.response.body"})
            return
        await app(scope, receive, send_more)

    if not is_loopback(host):
        return with_headers
    return TrustedHostMiddleware(with_headers, ["127.0.0.1", "localhost", "[::1]", host])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; from then on a browser that comes early waits.

    Raises
    ------
    MesenbayesError
        If the address cannot be used.
    """
    try:
        kind = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=kind)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MesenbayesError(
            f"the app cannot use {host}:{port} ({reason}); try another --port"
        ) from None


def serve(network: Network, listening: socket.socket, host: str) -> None:
    """Serve the app on a socket until it is interrupted."""
    import uvicorn

    from mesenbayes.web.app import make_app

    config = uvicorn.Config(guarded(make_app(network), host), log_level="warning")
    uvicorn.Server(config).run(sockets=[listening])
