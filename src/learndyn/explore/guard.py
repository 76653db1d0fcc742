"""Who may speak to the server: a request for its own address that has the token, and nobody else, whatever is asked.

The address that is opened holds the token once; from then on a cookie does. Programs of other users of this machine
know neither. A page elsewhere that makes the browser ask here has no cookie (SameSite), and one that points a name of
its own at this machine (DNS rebinding) asks for another host.
"""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import parse_qs

from tornado.httputil import HTTPServerRequest
from tornado.routing import Router
from tornado.web import Application, OutputTransform, RequestHandler

HOSTS = ("127.0.0.1", "localhost")


class Guard(Router):
    """Routes a request to `inside` where it may pass; else it is refused with 403."""

    def __init__(self, inside: Application, token: str, port: int) -> None:
        self._inside, self._token, self._port = inside, token, port
        self._hosts = {f"{host}:{port}" for host in HOSTS}
        self._outside = Application([(r".*", _Refused)])
        self._enter = Application([(r"/", _Enter, {"cookie": self.cookie, "token": token})])

    @property
    def cookie(self) -> str:
        """The name of the cookie; cookies know no ports, and there may be several explorers."""
        return f"learndyn-explore-{self._port}"

    def find_handler(self, request: Any, **kwargs: Any) -> Any:
        """The handler of one request."""
        if not self._is_for_us(request):
            return self._outside.find_handler(request, **kwargs)
        if self._has_cookie(request):
            return self._inside.find_handler(request, **kwargs)
        if request.path == "/" and request.method == "GET" and self._same(_given(request)):
            return self._enter.find_handler(request, **kwargs)
        return self._outside.find_handler(request, **kwargs)

    def _is_for_us(self, request: HTTPServerRequest) -> bool:
        """Whether it asks for this host, from nowhere else."""
        if request.headers.get_list("Host") != [request.host] or request.host not in self._hosts:
            return False
        origin = request.headers.get("Origin")
        return origin is None or origin == f"http://{request.host}"

    def _has_cookie(self, request: HTTPServerRequest) -> bool:
        morsel = request.cookies.get(self.cookie)
        return morsel is not None and self._same(morsel.value)

    def _same(self, given: str) -> bool:
        """Compared in a time that does not tell how much is right."""
        return hmac.compare_digest(given.encode(), self._token.encode())


def _given(request: HTTPServerRequest) -> str:
    return parse_qs(request.query).get("token", [""])[0]


class _Refused(RequestHandler):
    """403, to every method."""

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("Open the address that learndyn explore printed: it holds the token of this session.\n")


class _Enter(RequestHandler):
    """Gives the cookie, and a page that goes on to the explorer: the token is then gone from the address."""

    def initialize(self, cookie: str, token: str) -> None:
        self._name, self._value = cookie, token

    def get(self) -> None:
        """The first good request."""
        self.set_cookie(self._name, self._value, httponly=True, samesite="Strict", path="/")
        for name, value in (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer")):
            self.set_header(name, value)
        # Not a redirect: after one the browser would keep a strict cookie back where another page led here.
        self.finish('<!doctype html><meta http-equiv="refresh" content="0; url=/"><title>learndyn explore</title>')


def only_from_here(port: int) -> type[OutputTransform]:
    """Adds to every answer that the page may load and contact this server alone."""
    sockets = " ".join(f"ws://{host}:{port}" for host in HOSTS)
    policy = (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' {sockets}; "
        "frame-ancestors 'none'; form-action 'none'; base-uri 'none'"
    )
    added = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }

    class Headers(OutputTransform):
        """The headers, on the first chunk."""

        def transform_first_chunk(self, status_code: int, headers: Any, chunk: bytes, finishing: bool) -> Any:
            """Add them."""
            for name, value in added.items():
                headers[name] = value
            return status_code, headers, chunk

    return Headers
