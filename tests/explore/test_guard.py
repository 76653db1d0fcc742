"""Who may speak to the explorer's server: every request is put to the real guard, before a server that answers 200."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("bokeh")

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from learndyn.explore.guard import Guard, only_from_here

TOKEN = "a-token-that-nobody-guesses"


class _Anything(RequestHandler):
    def get(self) -> None:
        self.write("inside")

    post = put = delete = head = get


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server behind the guard, in a thread."""
    listening = bind_sockets(0, "127.0.0.1")[0]
    number = listening.getsockname()[1]
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        inside = Application([(r".*", _Anything)])
        inside.add_transform(only_from_here(number))
        HTTPServer(Guard(inside, TOKEN, number)).add_sockets([listening])

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    yield number
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    listening.close()
    loop.close()


def answer(port: int, path: str = "/", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=given)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def cookie(port: int, value: str = TOKEN) -> str:
    return f"learndyn-explore-{port}={value}"


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/bokeh.min.js", "/download/key/scenario.toml", "/favicon.ico"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_nothing_is_answered_without_the_token(port: int, path: str, method: str) -> None:
    assert answer(port, path, method).status == 403


@pytest.mark.parametrize(
    "path", ["/?token=wrong", "/?token=", f"/?token={TOKEN}x", f"/?token={TOKEN[:-1]}", "/?token=%ff"]
)
def test_a_wrong_token_is_refused(port: int, path: str) -> None:
    assert answer(port, path).status == 403


@pytest.mark.parametrize("path", ["/ws", "/static/js/bokeh.min.js", "/download/key/scenario.toml"])
def test_the_token_in_an_address_opens_the_page_alone(port: int, path: str) -> None:
    assert answer(port, f"{path}?token={TOKEN}").status == 403


def test_the_token_gives_a_cookie_that_scripts_and_other_sites_do_not_have(port: int) -> None:
    response = answer(port, f"/?token={TOKEN}")
    given = response.headers["Set-Cookie"]
    assert response.status == 200
    assert response.body != b"inside"  # type: ignore[attr-defined]
    assert given.startswith(cookie(port))
    assert "httponly" in given.lower()
    assert "samesite=strict" in given.lower()


def test_the_cookie_opens_everything(port: int) -> None:
    for path in ("/", "/ws", "/static/js/bokeh.min.js"):
        response = answer(port, path, Cookie=cookie(port))
        assert (response.status, response.body) == (200, b"inside")  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", ["", "wrong", TOKEN + "x", TOKEN.upper()])
def test_a_wrong_cookie_is_refused(port: int, value: str) -> None:
    assert answer(port, Cookie=cookie(port, value)).status == 403


def test_the_cookie_of_another_port_is_refused(port: int) -> None:
    assert answer(port, Cookie=cookie(port + 1)).status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "[::1]:{port}", "0.0.0.0:{port}"]
)
def test_another_host_is_refused_whatever_it_knows(port: int, host: str) -> None:
    host = host.replace("{port}", str(port))
    assert answer(port, f"/?token={TOKEN}", Host=host).status == 403
    assert answer(port, Host=host, Cookie=cookie(port)).status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}"])
def test_another_origin_is_refused_whatever_it_knows(port: int, origin: str) -> None:
    origin = origin.replace("{port}", str(port))
    assert answer(port, "/ws", Origin=origin, Cookie=cookie(port)).status == 403


def test_its_own_names_are_served(port: int) -> None:
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{port}"
        assert answer(port, Host=host, Origin=f"http://{host}", Cookie=cookie(port)).status == 200


def test_every_answer_forbids_the_page_to_contact_others(port: int) -> None:
    policy = answer(port, Cookie=cookie(port)).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    sources = policy.replace(";", " ").split()
    addresses = {word for word in sources if "://" in word or "." in word or "*" in word}
    assert addresses == {f"ws://127.0.0.1:{port}", f"ws://localhost:{port}"}
