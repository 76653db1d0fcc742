"""The server of the explorer: on this machine alone, behind a random token, with all that the page needs."""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import warnings
import webbrowser
from collections.abc import Callable
from typing import Any

from learndyn.errors import InputError, LearndynWarning
from learndyn.explore.setup import Setup

ADDRESS = "127.0.0.1"


def serve(setup: Setup, *, port: int = 0, open_browser: bool = True, tell: Callable[[str], Any] = print) -> None:
    """Serve the page until Ctrl-C; `tell` gets its address first.

    Raises
    ------
    InputError
        When the port is taken.
    """
    from tornado.ioloop import IOLoop

    # What a run says beside its result, the page says.
    warnings.filterwarnings("ignore", category=LearndynWarning)
    logging.getLogger("bokeh").setLevel(logging.ERROR)
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)  # refusals are no errors
    loop = IOLoop.current()
    listening = _listening(port)
    server, address = make_server(setup, listening, secrets.token_urlsafe(32), loop)
    server.start()
    tell(address)
    _warm_up(setup)
    if open_browser:
        webbrowser.open(address)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.add_callback_from_signal(loop.stop))
    loop.start()
    server.unlisten()
    server.stop(wait=False)
    listening.close()


def make_server(setup: Setup, listening: socket.socket, token: str, loop: Any) -> tuple[Any, str]:
    """The server on a socket that listens, and the address to open."""
    from bokeh.application import Application
    from bokeh.application.handlers.function import FunctionHandler
    from bokeh.server.server import BaseServer
    from bokeh.server.tornado import BokehTornado
    from tornado.httpserver import HTTPServer

    from learndyn.explore.guard import HOSTS, Guard, only_from_here
    from learndyn.explore.page import Page, open_pages
    from learndyn.explore.pictures import Downloads

    port = listening.getsockname()[1]

    def page(document: Any) -> None:
        Page(document, setup)

    application = BokehTornado(
        {"/": Application(FunctionHandler(page))},
        extra_websocket_origins=[f"{host}:{port}" for host in HOSTS],
        extra_patterns=[(r"/download/([\w-]+)/([\w.-]+)", Downloads, {"pages": open_pages})],
        include_headers=[],
        include_cookies=[],
        use_index=False,
        unused_session_lifetime_milliseconds=60_000,
    )
    application.add_transform(only_from_here(port))
    http = HTTPServer(Guard(application, token, port))
    http.add_sockets([listening])
    return BaseServer(loop, application, http), f"http://{ADDRESS}:{port}/?token={token}"


def _listening(port: int) -> socket.socket:
    try:
        listening = socket.create_server((ADDRESS, port), backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"Option --port must be a free port, but {port} is not: {reason}. Leave it out, and a free one is taken."
        ) from None
    listening.setblocking(False)
    return listening


def _warm_up(setup: Setup) -> None:
    """Compile the equations of the first curve while the browser starts."""
    from threading import Thread

    from learndyn.explore.compute import theory

    def compiled() -> None:
        try:
            theory(setup)
        except Exception:
            # The page meets the same and says it.
            logging.getLogger(__name__).debug("the first curve failed", exc_info=True)

    Thread(target=compiled, name="learndyn-explore-first", daemon=True).start()
