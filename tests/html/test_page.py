"""The page as a browser shows it: sliders change curves and numbers, no network is asked, nothing breaks."""

import json
import re

import pytest

import learndyn as ld
from browser import chromium, watched
from learndyn.html.page import page
from learndyn.html.symbols import plain, rich, value, words


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def set_to(page, slider, at):
    """Move a slider by the keyboard: to its begin, then so many steps."""
    page.focus(slider)
    page.keyboard.press("Home")
    for _ in range(at):
        page.keyboard.press("ArrowRight")


def path(page):
    return page.get_attribute("path.curve >> nth=0", "d")


def test_sliders_change_curves_and_numbers(sweep, browser, tmp_path):
    file = ld.export_html(sweep, tmp_path / "sweep.html", title="<Two> & {{title}} units", equations=False)
    with watched(browser, viewport={"width": 1024, "height": 768}) as seen:
        view = seen.page
        view.goto(file.as_uri())
        assert view.inner_text("h1") == "<Two> & {{title}} units"
        assert view.input_value("#slider1") == "1"  # the middle of three
        set_to(view, "#slider1", 0)
        first = (path(view), view.inner_text("#end"), view.inner_text("dl.plateau"))
        set_to(view, "#slider1", 1)
        second = (path(view), view.inner_text("#end"), view.inner_text("dl.plateau"))
        assert all(one != other for one, other in zip(first, second, strict=True))
        assert "saddle with 1 unstable direction" in second[2]
        assert view.get_attribute("#slider1", "aria-valuetext") == "10−6"
        assert view.locator("rect.plateau").count() == 3
        # A run that was refused has no curve, and its sentence is told.
        set_to(view, "#slider1", 2)
        assert path(view) == ""
        assert "Argument `R` of the start must satisfy" in view.inner_text(".early")
        set_to(view, "#slider1", 0)
        assert (path(view), view.inner_text("#end"), view.inner_text("dl.plateau")) == first
        # What is read off: the value of the run at that time.
        set_to(view, "#time", 10)
        at = sweep.isel({"learning_rate": 0, "start.X": 0, "alpha": 10})
        shown = view.inner_text(".legend >> nth=0").split()[-1]
        assert float(shown) == pytest.approx(float(at.eps_g), rel=5e-4)  # four digits
        for box in ("#log", "#log-time", "#fit"):
            before = path(view)
            view.click(box)
            assert path(view) != before
        view.click("#larger")
        assert view.evaluate("getComputedStyle(document.documentElement).fontSize") == "24px"
        assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
        view.emulate_media(media="print")
        assert not view.is_visible("#slider0")
        assert view.is_visible("path.curve >> nth=0")
    assert seen.troubles == []
    assert seen.requests == [file.as_uri()]


# The largest and smallest height of a marker on the page within its panel, from 0 at its lower edge to 1.
HEIGHTS = """() => [...document.querySelectorAll("circle.marker")].map((marker) => {
  const area = marker.closest("svg").querySelector("clipPath rect");
  const [top, height] = ["y", "height"].map((name) => Number(area.getAttribute(name)));
  return 1 - (Number(marker.getAttribute("cy")) - top) / height;
})"""


def test_a_run_with_its_simulation(theory, runs, browser, tmp_path):
    # Three times as large a simulation as theory: its axes are those of both.
    large = runs.assign(R=3.0 * runs.R, Q=3.0 * runs.Q)
    file = ld.export_html(theory, tmp_path / "run.html", simulation=large, large=True, equations=False)
    with watched(browser) as seen:
        seen.page.goto(file.as_uri())
        assert seen.page.locator("circle.marker").count() == 3 * 11  # eps_g, R, Q; every row
        assert seen.page.get_attribute("#larger", "aria-pressed") == "true"
        assert not seen.page.is_visible("#fit")
        heights = seen.page.evaluate(HEIGHTS)
        assert 0.0 <= min(heights) <= 0.2
        assert 0.8 <= max(heights) <= 1.0
        assert "markers: simulation, N = 50" in seen.page.inner_text("#numbers")
    assert seen.troubles == []
    assert seen.requests == [file.as_uri()]


# The text of the page.


def test_nothing_is_outside(theory, tmp_path):
    text = ld.export_html(theory, tmp_path / "page.html").read_text(encoding="utf-8")
    assert r"\begin{align}" in text  # the equations are there, with their picture
    assert text.count("<svg") == 1
    addresses = re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\s\"'`]*", text)
    assert set(addresses) == {"http://www.w3.org/2000/svg"}  # a name, asked by nothing
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)
    assert "default-src 'none'" in text


def test_the_bytes_are_the_same(theory, tmp_path):
    files = [ld.export_html(theory, tmp_path / name, equations=False) for name in ("one.html", "two.html")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_a_text_holds_is_shown_as_it_is():
    data = {
        "title": "</title><b>",
        "source": "<i>",
        "scenario": "a < b",
        "versions": {"learndyn": "1"},
        "note": "</script><!-- {{data}}",
    }
    text = page(data)
    assert "<title>&lt;/title&gt;&lt;b&gt;</title>" in text
    assert "<summary>&lt;i&gt;</summary>\n<pre>a &lt; b</pre>" in text
    held = re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1)
    assert json.loads(held) == {"title": "</title><b>", "note": "</script><!-- {{data}}"}


def test_symbols():
    assert rich(r"$R_{12}$") == [["R", "i"], ["12", "sub"]]
    assert rich(r"$\epsilon_g$, x") == [["ε", "i"], ["g", "sub"], [", x", ""]]
    assert plain(rich(r"$\mathrm{tr\,Cov}(w)$")) == "tr\u2009Cov(w)"
    assert plain(rich("start")) == "start"
    assert [plain(value(each)) for each in (0.1, 1e-6, -2.5e-7, 1e12, 3, -3, "relu", True)] == [
        "0.1", "10^−6", "−2.5 × 10^−7", "10^12", "3", "−3", "relu", "True",
    ]  # fmt: skip
    assert words("0.5 R_11 - 0.5 Q_12") == [
        ["0.5 ", ""], ["R", "i"], ["11", "sub"], [" − 0.5 ", ""], ["Q", "i"], ["12", "sub"],
    ]  # fmt: skip


def test_a_place_that_is_none_is_refused(theory, tmp_path):
    with pytest.raises(ld.InputError, match=r"must end in \.html, but it is .*page\.nc\. Name it page\.html\."):
        ld.export_html(theory, tmp_path / "page.nc")
    with pytest.raises(ld.InputError, match=r"the folder .* does not exist"):
        ld.export_html(theory, tmp_path / "none" / "page.html")
