"""The explorer as a user meets it: the real command, and Chromium on its page."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import learndyn as ld
from browser import chromium

# Milliseconds, on a busy machine that compiles the first curve.
PATIENCE = 240_000
PERCEPTRON = """
title = "a <b>perceptron</b>"
[scenario]
learning_rate = 0.5
student.units = 1
teacher.units = 1
[start]
Q = 0.25
R = 0.1
[solve]
until = 20.0
"""


@contextmanager
def explorer(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command and the address that it prints."""
    command = [sys.executable, "-m", "learndyn", "explore", *arguments, "--no-browser"]
    environment = {**os.environ, "LEARNDYN_CACHE_DIR": str(folder / "cache")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http" in line, process.communicate(timeout=10)
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The explorer of a perceptron."""
    pytest.importorskip("bokeh", reason="the extra explore is not installed")
    folder = tmp_path_factory.mktemp("explorer")
    (folder / "perceptron.toml").write_text(PERCEPTRON)
    with explorer(folder, str(folder / "perceptron.toml")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    with chromium() as running:
        yield running


class Seen:
    """What a page asked for, and what it complained of."""

    def __init__(self, page: Any) -> None:
        self.addresses: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.addresses.append(request.url))
        page.on("websocket", lambda socket: self.addresses.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)


@pytest.fixture(scope="module")
def opened(served: Any, browser: Any) -> tuple[Any, Seen]:
    """The page, with its first curve."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(PATIENCE)
    seen = Seen(page)
    page.goto(served[1])
    page.get_by_text(re.compile("Theory in")).wait_for()
    return page, seen


def card(page: Any, name: str) -> Any:
    return page.locator(f'[data-card="{name}"] b')


# The data of a source by name, among the figures that are shown.
DATA = """name => {
  const roots = Bokeh.documents[0].roots().filter(root => ["main", "panels"].includes(root.name));
  const renderers = roots.flatMap(root => root.children).flatMap(figure => figure.renderers);
  return renderers.map(each => each.data_source).find(each => each.name == name).data }"""


def data(page: Any, name: str, then: str) -> Any:
    """``then`` of the data of a source: ".ys.length"."""
    return page.evaluate(f"name => ({DATA})(name){then}", name)


def curve(page: Any) -> list[float]:
    """The newest numbers of the main curve in the browser."""
    return page.evaluate(f"name => Array.from(({DATA})(name).ys[0])", "main-lines")


def changes(page: Any, act: Any, name: str) -> tuple[str, str]:
    """A card before and after something is done."""
    before = card(page, name).inner_text()
    act()
    page.wait_for_function(
        "([name, before]) => { const walk = root => { for (const e of root.querySelectorAll('*')) {"
        ' if (e.matches(`[data-card="${name}"] b`)) return e.innerText;'
        " if (e.shadowRoot) { const found = walk(e.shadowRoot); if (found) return found; } } return null };"
        " const now = walk(document); return now !== null && now !== before }",
        arg=[name, before],
    )
    return before, card(page, name).inner_text()


# Without the token.


def status(address: str, path: str, **headers: str) -> int:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    found = connection.getresponse().status
    connection.close()
    return found


SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_nobody_without_the_token_gets_in(served: Any) -> None:
    address = served[1]
    token = urlsplit(address).query
    for path in ("/", "/?token=wrong", "/static/js/bokeh.min.js", "/ws", "/metadata", "/autoload.js", "/favicon.ico"):
        assert status(address, path) == 403, path
    assert status(address, "/ws", **SOCKET) == 403
    assert status(address, f"/ws?{token}", **SOCKET) == 403
    assert status(address, f"/?{token}", Host="evil.example") == 403
    assert status(address, f"/?{token}") == 200


def test_a_socket_from_another_origin_is_refused_with_the_cookie_too(served: Any) -> None:
    address = served[1]
    place = urlsplit(address)
    cookie = f"learndyn-explore-{place.port}={place.query.removeprefix('token=')}"
    assert status(address, "/ws", Cookie=cookie, Origin="http://evil.example", **SOCKET) == 403
    assert status(address, "/", Cookie=cookie) == 200


def test_it_listens_on_this_machine_alone(served: Any) -> None:
    psutil = pytest.importorskip("psutil")
    places = [c.laddr.ip for c in psutil.Process(served[0].pid).net_connections() if c.status == "LISTEN"]
    assert places == ["127.0.0.1"]


# On the page.


def test_a_slider_moves_the_curve_and_the_numbers(opened: Any) -> None:
    page, _ = opened
    assert page.url == page.url.split("?")[0]  # the token is gone from the address
    first = curve(page)
    handles = page.locator(".noUi-handle:visible")
    assert handles.count() >= 4
    # K, M, then the learning rate, which begins at 0.5.
    before, after = changes(page, lambda: handles.nth(2).press("ArrowRight"), "eps_g")
    assert before != after
    rate = float(page.get_by_label("Learning rate η", exact=True).input_value())
    assert 0.5 < rate < 0.6
    expected = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), rate)
    again = ld.solve(expected, ld.Start(0.25, 0.1), until=20, save_at=401)
    assert first != curve(page)
    # On a busy machine a draft comes first.
    page.get_by_text(re.compile("Theory in")).wait_for()
    assert curve(page) == pytest.approx(again.eps_g.values.tolist(), rel=1e-12)


def test_a_refusal_stands_at_its_control_and_the_curve_stays(opened: Any) -> None:
    page, _ = opened
    before, entry = curve(page), page.get_by_label("Learning rate η", exact=True)
    entry.fill("-1")
    entry.press("Enter")
    page.get_by_text("must be a finite number above 0, but it is -1.0").wait_for()
    assert curve(page) == before
    entry.fill("0.7")
    entry.press("Enter")
    page.get_by_text("must be a finite number above 0").wait_for(state="hidden")


def test_units_that_cannot_be_are_refused_at_their_control(opened: Any) -> None:
    page, _ = opened
    page.get_by_text(re.compile("Theory in")).wait_for()
    before, entry = curve(page), page.get_by_label("Student units K", exact=True)
    for text, sentence in [
        ("0", "but it is 0"),
        ("2.5", "but it is 2.5"),
        ("", "but it is empty"),
        ("60", "at most 32"),
    ]:
        entry.fill("")
        entry.type(text)
        entry.press("Enter")
        page.get_by_text(sentence).wait_for()
        page.get_by_text("see the control in red").wait_for()
    assert curve(page) == before
    entry.fill("1")
    entry.press("Enter")
    page.get_by_text(re.compile("Theory in")).wait_for()


def test_the_flow_field_and_the_critical_rate_follow(opened: Any) -> None:
    page, _ = opened
    page.get_by_text("Flow field:").wait_for()
    assert data(page, "arrows", ".x0.length") > 100
    # erf perceptron: the critical rate is that of ld.critical_learning_rate, held elsewhere.
    page.get_by_text("4.056").wait_for()


def taken(page: Any, name: str, path: Path) -> Path:
    """A download."""
    with page.expect_download() as download:
        page.get_by_role("link", name=name).first.click()
    download.value.save_as(path)
    return path


def test_the_file_of_the_page_gives_its_curve(opened: Any, tmp_path: Path) -> None:
    page, _ = opened
    path = taken(page, "TOML", tmp_path / "scenario.toml")
    case = ld.read_scenario_file(path)
    assert case.scenario.learning_rate == 0.7
    assert tomllib.loads(path.read_text())["title"] == "a <b>perceptron</b>"
    again = ld.solve(case.scenario, case.start, **case.solve)
    assert curve(page) == pytest.approx(again.eps_g.values.tolist(), rel=1e-12)


def test_replicas_run_on_request_and_the_file_has_them(opened: Any, tmp_path: Path) -> None:
    page, _ = opened
    entry = page.get_by_label("Input dimension N")
    entry.fill("100")
    entry.press("Enter")
    page.get_by_role("button", name="Run replicas").click()
    page.get_by_text("8 replicas at N = 100").wait_for()
    assert data(page, "main-runs", ".ys.length") == 8
    case = ld.read_scenario_file(taken(page, "TOML", tmp_path / "scenario.toml"))
    assert (case.simulate["N"], case.simulate["replicas"]) == (100, 8)


def test_a_picture_can_be_taken(opened: Any, tmp_path: Path) -> None:
    page, _ = opened
    assert taken(page, "PNG", tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_another_kind_of_scenario_and_another_axis(opened: Any) -> None:
    page, _ = opened
    page.get_by_role("button", name="Linear network").click()
    page.get_by_text("Modes learned").wait_for()
    assert data(page, "panel-u-lines", ".ys.length") == 3
    assert data(page, "main-lines", ".xs[0][0]") == 0.0
    page.get_by_role("button", name="log time").click()
    page.wait_for_function(f"() => {{ const xs = ({DATA})('main-lines').xs[0]; return xs && xs[0] > 0 }}")


def test_every_control_of_every_family_is_there(opened: Any) -> None:
    from learndyn.explore.families import FAMILIES
    from learndyn.explore.setup import Setup

    page, _ = opened
    perceptron = Setup.default().changed(start="overlaps")  # as the file has it
    for family in FAMILIES.values():
        page.get_by_role("button", name=family.title).click()
        setup = perceptron if family is perceptron.family else Setup.default(family.kind)
        for group in family.groups:
            page.get_by_role("button", name=re.compile(rf"^. {group.title}$")).wait_for()
            for control in group.controls:
                if setup.shows(control.name):
                    page.get_by_text(control.label).first.wait_for(state="attached")


def test_the_page_asked_this_server_alone_and_had_nothing_to_complain(opened: Any, served: Any) -> None:
    """After all of the above."""
    _, seen = opened
    place = urlsplit(served[1])
    assert len(seen.addresses) > 3
    assert {urlsplit(each).netloc for each in seen.addresses} == {place.netloc}
    assert seen.complaints == []


def test_control_c_ends_it_cleanly(opened: Any, served: Any) -> None:
    """The last test: after it there is no server."""
    process = served[0]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "The explorer has ended." in out
    assert err == ""


# The command.


def test_a_port_in_use_is_refused_in_a_sentence(tmp_path: Path) -> None:
    import socket

    from learndyn.explore.server import _listening

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ld.InputError, match=rf"Option --port must be a free port, but {port} is not"):
            _listening(port)
