"""One page of the explorer, in one tab of a browser: what the user does goes to the workers, what they find is shown.

The event loop of the server runs all methods here but `_work`, `_look` and `_post`, which the workers call.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from bokeh import models
from jinja2 import Template

from learndyn.errors import InputError
from learndyn.explore import numbers
from learndyn.explore.charts import Charts
from learndyn.explore.compute import PROGRAMS, Details, Theory, details, theory
from learndyn.explore.controls import Control, Group, argument_of, filled
from learndyn.explore.families import FAMILIES
from learndyn.explore.replicas import WITH_N, Replicas, Running, options_of
from learndyn.explore.setup import Setup
from learndyn.explore.widgets import Panel
from learndyn.explore.worker import Newest

# While a control is dragged, only curves are computed: what takes longer begins this many seconds after it rests.
REST = 0.25
# A computation that takes longer than this says so.
PATIENCE = 150
HERE = Path(__file__).parent
# The positional arguments of its layouts are unknown to type checkers.
bk: Any = models
open_pages: dict[str, Page] = {}
_REPLICAS = (
    Control("N", "Input dimension N", "log", 1000, low=100, high=1e6),
    Control("replicas", "Replicas", "count", 8, low=1, high=64, step=1),
    Control("seed", "Seed", "count", 1, low=0, high=100, step=1),
)
_CHOICE = """
    .bk-btn { font: 13px/1 system-ui, sans-serif; padding: 7px 12px; border-color: #d5d9de; color: #444; }
    .bk-btn.bk-active, .bk-btn-primary { background: #0072b2; border-color: #0072b2; color: #fff; box-shadow: none; }
    .bk-btn-primary:hover { background: #005c90; color: #fff; }
    .bk-btn:disabled { opacity: .5; }
    """


def _html(name: str, text: str = "") -> Any:
    style = (HERE / "page.css").read_text(encoding="utf-8")
    return bk.Div(text=text, name=name, disable_math=True, sizing_mode="stretch_width", margin=0, stylesheets=[style])


class Page:
    """The page of one session; `setup` is with what it begins."""

    def __init__(self, document: Any, setup: Setup) -> None:
        self.document, self.setup = document, setup
        self.theory: Theory | None = None
        self.details: Details | None = None
        self.replicas: Replicas | None = None
        self.key = secrets.token_urlsafe(12)
        self._running: Running | None = None
        self._asked, self._answered = 0, 0
        self._curves = Newest(self._work, self._post(self._show), "curve")
        self._later = Newest(self._look, self._post(self._show_error), "details", rest=REST)
        self._own = {setup.family.kind: setup}
        self._make_parts()
        self._make_family()
        open_pages[self.key] = self
        document.title = "learndyn explore"
        document.template = Template((HERE / "page.html").read_text(encoding="utf-8"))
        document.template_variables["page_css"] = (HERE / "page.css").read_text(encoding="utf-8")
        for root in self._roots:
            document.add_root(root)
        document.on_session_destroyed(self._close)
        self._ask()

    # Parts.

    def _make_parts(self) -> None:
        """What stays when another kind of scenario is chosen."""
        self._families = bk.RadioButtonGroup(
            labels=[family.title for family in FAMILIES.values()], active=list(FAMILIES).index(self.setup.family.kind),
            name="families", margin=0, stylesheets=[_CHOICE],
        )  # fmt: skip
        choose_family, choose_axis = self._safe(self._choose_family), self._safe(self._choose_axis)
        self._families.on_change("active", lambda attr, old, new: choose_family(list(FAMILIES)[new]))
        self._axis = bk.RadioButtonGroup(
            labels=["linear time", "log time"], active=0, name="axis", margin=0, stylesheets=[_CHOICE]
        )
        self._axis.on_change("active", lambda attr, old, new: choose_axis(new == 1))
        self._status, self._cards, self._spectrum = _html("status"), _html("cards"), _html("spectrum")
        self._kept, self._downloads, self._told = _html("kept"), _html("downloads"), _html("told")
        self._controls = bk.Column(name="controls", sizing_mode="stretch_width")
        self._main = bk.Column(name="main", sizing_mode="stretch_width")
        self._panels = bk.Row(
            name="panels", sizing_mode="stretch_width", styles={"flex-wrap": "wrap", "gap": "4px 16px"}
        )
        self._settings = Panel((Group("Replicas at finite N", _REPLICAS),), self._replica_values(), self._set_replicas)
        self._run = bk.Button(label="Run replicas", name="run", button_type="primary", stylesheets=[_CHOICE], margin=0)
        self._cancel = bk.Button(
            label="Cancel", name="cancel", visible=False, stylesheets=[_CHOICE], margin=(0, 0, 0, 8)
        )
        start, cancel = self._safe(self._start_replicas), self._safe(self._cancel_replicas)
        self._run.on_click(lambda: start())
        self._cancel.on_click(lambda: cancel())
        below = bk.Column(
            *self._settings.roots, bk.Row(self._run, self._cancel), self._told, name="replicas",
            sizing_mode="stretch_width", spacing=2,
        )  # fmt: skip
        self._roots = [
            self._families, self._axis, self._status, self._cards, self._controls, self._kept, self._main, self._panels,
            self._spectrum, below, self._downloads,
        ]  # fmt: skip

    def _make_family(self) -> None:
        """The controls and the figures of a kind of scenario."""
        setup = self.setup
        self._panel = Panel(setup.family.groups, setup.values, self._safe(self._change), setup.shows)
        self._controls.children = self._panel.roots
        words = setup.kept_words()
        kept = "".join(f"<li>{escape(each)}</li>" for each in words)
        self._kept.text = f"<h2>Kept from the file</h2><ul>{kept}</ul>" if words else ""
        self._settings.fields["N"].show(setup.family.kind in WITH_N)
        self._make_charts()

    def _make_charts(self) -> None:
        time = {"eps_g": "alpha"}.get(self.setup.family.main, "t")
        self._charts = Charts(self.setup.family, time, log_time=self.setup.log_time)
        self._main.children = [self._charts.main.figure]
        figures = [*(panel.figure for panel in self._charts.panels.values()), self._charts.plane.figure]
        for figure in figures:
            figure.styles = {"flex": "1 1 300px"}
        self._panels.children = figures

    def _replica_values(self) -> dict[str, Any]:
        return {control.name: control.default for control in _REPLICAS}

    # What the user does.

    def _change(self, name: str, value: Any) -> None:
        try:
            self.setup = self.setup.changed(**{name: value})
        except InputError as error:
            self._refuse(str(error))
            return
        self._panel.follow(self.setup.values, self.setup.shows)
        self._ask()

    def _choose_family(self, kind: str) -> None:
        self._own[self.setup.family.kind] = self.setup
        known = self._own.get(kind) or Setup.default(kind)
        self.setup = replace(known, log_time=self.setup.log_time)
        self._forget()
        self._make_family()
        self._ask()

    def _choose_axis(self, log_time: bool) -> None:
        self.setup = replace(self.setup, log_time=log_time)
        self._make_charts()
        self._forget()
        self._ask()

    def _forget(self) -> None:
        """Nothing of the old curve is shown with the new one."""
        self.theory, self.details = None, None
        self._cancel_replicas()
        self._drop_replicas()
        self._spectrum.text = self._cards.text = self._told.text = ""

    # The curve.

    def _ask(self) -> None:
        """Ask for the curve of the setup, unless the setup is refused."""
        try:
            known = PROGRAMS.known(self.setup)
            _ = self.setup.options
        except InputError as error:
            self._refuse(str(error))
            return
        self._panel.refuse("", "")
        self._asked += 1
        if not known:
            self._say("busy", f"Compiling the equations{self._shape()}: some seconds, the first time …")
        else:
            number = self._asked
            self.document.add_timeout_callback(lambda: self._say_slow(number), PATIENCE)
        self._curves.ask((self._asked, self.setup))

    def _shape(self) -> str:
        values = self.setup.values
        return f" for K = {values['K']}, M = {values['M']}" if "K" in values else ""

    def _say_slow(self, number: int) -> None:
        if self._answered < number:
            self._say("busy", "Computing …")

    def _work(self, request: tuple[int, Setup]) -> Any:
        """In the worker: a draft first where the whole takes long."""
        setup = request[1]
        if PROGRAMS.known(setup) and PROGRAMS.slow(setup):
            self._post(self._show)(request, theory(setup, draft=True))
            if self._curves.outdated():
                return None
        return theory(setup)

    def _show(self, request: tuple[int, Setup], found: Any) -> None:
        """Show a curve, or say why there is none; answers to older questions are dropped if a newer one came."""
        number, setup = request
        if number < self._answered or setup.family is not self.setup.family or setup.log_time != self.setup.log_time:
            return
        self._answered = number
        if isinstance(found, InputError):
            self._refuse(str(found))
            return
        if isinstance(found, Exception):
            self._show_error(request, found)
            return
        self.theory, self.details = found, None
        self._drop_replicas()
        self._charts.show(found, None)
        self._cards.text = numbers.cards(found, None)
        new = not self._spectrum.text or not self.setup.family.has_spectrum() or found.ended_early
        self._spectrum.text = numbers.spectrum(found, None) if new else numbers.dimmed(self._spectrum.text)
        if number == self._asked:
            self._say(*numbers.status(found))
        self._show_downloads()
        if not found.draft:
            self._later.ask((number, found))

    def _look(self, request: tuple[int, Theory]) -> None:
        """In the worker: what takes longer than the curve, one after the other."""
        details(request[1], lambda found: self._post(self._show_details)(request, found), self._later.outdated)

    def _show_details(self, request: tuple[int, Theory], found: Details) -> None:
        shown = request[1]
        if shown is not self.theory:
            return
        self.details = found
        self._charts.show_details(shown, found)
        self._cards.text = numbers.cards(shown, found)
        if found.spectra is not None:
            self._spectrum.text = numbers.spectrum(shown, found)
        self._show_downloads()

    # Replicas.

    def _set_replicas(self, name: str, value: Any) -> None:
        self._settings.refuse("", "")

    def _start_replicas(self) -> None:
        if self._running is not None:
            return
        try:
            chosen = {name: filled(field.control, field.value) for name, field in self._settings.fields.items()}
            options = options_of(self.setup, round(chosen["N"]), chosen["replicas"], chosen["seed"])
        except InputError as error:
            self._tell_replicas(str(error))
            return
        setup = self.setup
        self._running = Running(setup, options, self._post(self._show_progress), self._post(self._show_replicas))
        self._run.disabled, self._cancel.visible = True, True
        self._tell_replicas("Preparing the simulation …")
        self._running.start()

    def _cancel_replicas(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._tell_replicas("Cancelling …")

    def _show_progress(self, done: float) -> None:
        if self._running is not None and not self._running.cancelled:
            share = f"{100.0 * done:.0f} %"
            self._told.text = f'<p>{share} done</p><div class="bar"><i style="width:{100.0 * done:.1f}%"></i></div>'

    def _show_replicas(self, found: Any) -> None:
        self._running = None
        self._run.disabled, self._cancel.visible = False, False
        if found is None:
            self._tell_replicas("Cancelled; no replica had come to its end.")
        elif isinstance(found, InputError):
            if not self._settings.refuse(argument_of(str(found)), str(found)):
                self._tell_replicas(str(found))
            else:
                self._tell_replicas("")
        elif isinstance(found, Exception):
            self._tell_replicas(_words(found))
        elif (
            self.theory is None
            or found.setup.values != self.setup.values
            or found.setup.family is not self.setup.family
        ):
            self._tell_replicas("The scenario was changed while the replicas ran. Run them again.")
        else:
            self.replicas = found
            self._charts.show_replicas(found)
            self._told.text = f"<p>{numbers.replicas_line(found)}</p>"
            self._show_downloads()

    def _drop_replicas(self) -> None:
        """Replicas belong to the scenario that they were run for."""
        if self.replicas is not None:
            self.replicas = None
            self._charts.show_replicas(None)
            self._tell_replicas("The scenario was changed: run replicas again.")

    def _tell_replicas(self, sentence: str) -> None:
        self._told.text = f"<p>{escape(sentence)}</p>"

    # Words.

    def _safe(self, act: Callable[..., None]) -> Callable[..., None]:
        """The same, but what goes wrong is said on the page, never in the terminal alone: all events come by here."""

        def acted(*arguments: Any) -> None:
            try:
                act(*arguments)
            except Exception as error:
                self._say("warn", _words(error))

        return acted

    def _refuse(self, sentence: str) -> None:
        """Say at the control, or above, why a setup is refused; the last curve stays."""
        at_control = self._panel.refuse(argument_of(sentence), sentence)
        self._say(
            "warn", "Not computed: see the control in red; the curve is the last one." if at_control else sentence
        )

    def _show_error(self, request: Any, found: Any) -> None:
        if isinstance(found, Exception):
            self._say("warn", _words(found))

    def _say(self, kind: str, sentence: str) -> None:
        self._status.text = f'<p class="status {kind}" role="status">{escape(sentence)}</p>'

    def _show_downloads(self) -> None:
        names = [("scenario.toml", "TOML"), ("scenario.py", "Python"), ("result.nc", "netCDF")]
        pictures = [(f"curve.{ending}", ending.upper()) for ending in ("png", "svg", "pdf")]
        text = f"<h2>Take it with you</h2><p>Scenario: {self._links(names)}</p><p>Picture: {self._links(pictures)}</p>"
        if self.details is not None and self.details.field is not None:
            planes = [(f"flow-field.{ending}", ending.upper()) for ending in ("png", "svg", "pdf")]
            text += f"<p>Flow field: {self._links(planes)}</p>"
        self._downloads.text = text

    def _links(self, names: list[tuple[str, str]]) -> str:
        return " ".join(f'<a href="/download/{self.key}/{name}" download="{name}">{word}</a>' for name, word in names)

    # Threads.

    def _post(self, show: Callable[..., None]) -> Callable[..., None]:
        """A function for other threads: calls `show` in the event loop, while the page is open."""

        def posted(*arguments: Any) -> None:
            if self.key in open_pages:
                self.document.add_next_tick_callback(lambda: safe(*arguments))

        safe = self._safe(show)
        return posted

    def _close(self, context: Any) -> None:
        open_pages.pop(self.key, None)
        self._curves.close()
        self._later.close()
        if self._running is not None:
            self._running.cancel()


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f"This failed: {type(error).__name__}: {error}"
