"""Controls in Bokeh: each a field with its label, its slider or list, and room for the sentence that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from math import log10
from typing import Any

from bokeh import models

from learndyn.explore.controls import Control, Group, Values

# The positional arguments of its layouts are unknown to type checkers.
bk: Any = models
# Sliders that run in decades have so many steps a decade.
PER_DECADE = 50
DIGITS = 3
# Style sheets are text: a model of Bokeh would belong to one document, and there may be two tabs.
_LOOK = """
    :host { font: 13px/1.35 system-ui, sans-serif; color: #222; }
    label, .bk-slider-title { font-size: 13px; color: #333; }
    .bk-input { font: inherit; min-height: 0; height: auto; padding: 3px 7px; border-color: #d5d9de;
      border-radius: 5px; background-color: #fff; }
    .bk-input:focus { border-color: #0072b2; box-shadow: 0 0 0 2px rgb(0 114 178 / 15%); }
    """
_IN_LINE = """
    .bk-input-group { display: flex; flex-direction: row; align-items: center; gap: 8px; }
    .bk-input-group label { flex: 1; min-width: 0; margin: 0; }
    .bk-input { width: 78px; flex: none; text-align: right; font-variant-numeric: tabular-nums; }
    """
_SLIDER = """
    .bk-slider-title { margin: 0 0 5px -7px; }
    .noUi-target { background: #e3e7eb; border: 0; box-shadow: none; height: 4px; }
    .noUi-connect { background: #7fb8d9; }
    .noUi-horizontal .noUi-handle { width: 14px; height: 14px; top: -5px; right: -7px; border-radius: 50%;
      border: 1.5px solid #0072b2; background: #fff; box-shadow: none; cursor: grab; }
    .noUi-handle:focus-visible { outline: 3px solid rgb(0 114 178 / 25%); }
    .noUi-handle::before, .noUi-handle::after { display: none; }
    """
_SAID = ".bk-clearfix { font: 12px/1.4 system-ui, sans-serif; }"
_HEADING = """
    .bk-btn { font: 600 11px/1 system-ui, sans-serif; letter-spacing: .06em; text-transform: uppercase; color: #5b6672;
      background: none; border: 0; padding: 4px 0; text-align: left; justify-content: flex-start; }
    .bk-btn:hover, .bk-btn.bk-active { background: none; box-shadow: none; color: #0072b2; }
    .bk-btn:focus-visible { outline: 2px solid rgb(0 114 178 / 40%); }
    """


class Field:
    """One control on the page. `changed` is called with (name, value) for what the user does, not for `set`."""

    def __init__(self, control: Control, value: Any, changed: Callable[[str, Any], None]) -> None:
        self.control, self.value = control, value
        self._changed, self._setting = changed, False
        make = {
            "number": self._numeric, "log": self._numeric, "count": self._numeric, "range": self._range,
            "choice": self._choice, "text": self._text, "matrix": self._text,
        }[control.kind]  # fmt: skip
        self._parts: list[Any] = make(value)
        self._said = bk.Div(
            text="", name=f"{control.name}-said", visible=False, disable_math=True, sizing_mode="stretch_width",
            margin=(0, 0, 2, 0), stylesheets=[_SAID], styles={"color": "#b3400c"},
        )  # fmt: skip
        parts = [*self._parts, self._said]
        if control.help:
            hint = bk.Div(
                text=escape(control.help), disable_math=True, sizing_mode="stretch_width", margin=(0, 0, 2, 0),
                stylesheets=[_SAID], styles={"color": "#7a838c"},
            )  # fmt: skip
            parts.insert(len(self._parts), hint)
        self.root = bk.Column(*parts, sizing_mode="stretch_width", spacing=1, margin=(0, 0, 7, 0))

    def set(self, value: Any) -> None:
        """Show a value without telling of it."""
        if value == self.value or value is None:
            return
        self.value, self._setting = value, True
        try:
            self._show(value)
        finally:
            self._setting = False

    def say(self, sentence: str) -> None:
        """Show why the value is refused, or nothing."""
        if self._said.text != escape(sentence):
            self._said.update(text=escape(sentence), visible=bool(sentence))

    def show(self, visible: bool) -> None:
        """Show or hide the control."""
        if self.root.visible != visible:
            self.root.visible = visible

    # Kinds.

    def _numeric(self, value: Any) -> list[Any]:
        control = self.control
        self._entry = bk.NumericInput(
            title=control.label, value=value, mode="float",
            sizing_mode="stretch_width", margin=0, stylesheets=[_LOOK, _IN_LINE], name=f"{control.name}-entry",
        )  # fmt: skip
        low, high = self._place(control.low), self._place(control.high)
        step = 1.0 / PER_DECADE if control.kind == "log" else control.step
        self._slider = bk.Slider(
            start=low, end=high, step=step, value=min(max(self._place(value), low), high), show_value=False,
            tooltips=False, sizing_mode="stretch_width", margin=(0, 7, 0, 7), stylesheets=[_LOOK, _SLIDER],
            name=f"{control.name}-slider",
        )  # fmt: skip
        self._show = self._show_number
        self._slider.on_change("value", lambda attr, old, new: self._from_slider(new))
        self._entry.on_change("value", lambda attr, old, new: self._from_entry(new))
        return [self._entry, self._slider]

    def _place(self, value: Any) -> float:
        """Where a value stands on the slider."""
        if self.control.kind != "log":
            return float(value)
        return log10(value) if value > 0.0 else log10(self.control.low)

    def _show_number(self, value: Any) -> None:
        self._entry.value = value
        self._slider.value = min(max(self._place(value), self._slider.start), self._slider.end)

    def _from_slider(self, place: float) -> None:
        if self._setting:
            return
        control = self.control
        value: Any = float(f"{10.0**place:.{DIGITS}g}") if control.kind == "log" else float(f"{place:.10g}")
        value = round(value) if control.kind == "count" else value
        self._setting = True
        self._entry.value = value
        self._setting = False
        self._tell(value)

    def _from_entry(self, value: Any) -> None:
        if self._setting:
            return
        if value is None:
            self.value = None
            self._changed(self.control.name, None)
            return
        # A number that is not whole goes on as it is, to be refused: Bokeh's field for counts makes 25 of 2.5.
        whole = self.control.kind == "count" and float(value).is_integer()
        value = int(value) if whole else float(value)
        self.set(value)
        self._tell(value)

    def _range(self, value: Any) -> list[Any]:
        control = self.control
        self._slider = bk.RangeSlider(
            title=control.label, start=control.low, end=max(control.high, value[1]), step=control.step,
            value=tuple(value), tooltips=False, sizing_mode="stretch_width", margin=(0, 7, 0, 7),
            stylesheets=[_LOOK, _SLIDER], name=f"{control.name}-slider",
        )  # fmt: skip
        self._show = self._show_range
        self._slider.on_change("value", lambda attr, old, new: self._tell(tuple(float(f"{x:.10g}") for x in new)))
        return [self._slider]

    def _show_range(self, value: Any) -> None:
        self._slider.update(end=max(self.control.high, value[1]), value=tuple(value))

    def _choice(self, value: Any) -> list[Any]:
        control = self.control
        self._list = bk.Select(
            title=control.label, options=list(control.choices), value=value, sizing_mode="stretch_width", margin=0,
            stylesheets=[_LOOK], name=control.name,
        )  # fmt: skip
        self._show = lambda shown: self._list.update(value=shown)
        self._list.on_change("value", lambda attr, old, new: self._tell(new))
        return [self._list]

    def _text(self, value: Any) -> list[Any]:
        control = self.control
        kind: Any = bk.TextInput
        more: dict[str, Any] = {}
        if control.kind == "matrix":
            kind, more = bk.TextAreaInput, {"rows": min(max(value.count("\n") + 1, 2), 8)}
        self._line = kind(
            title=control.label, value=value, sizing_mode="stretch_width", margin=0, stylesheets=[_LOOK],
            name=control.name, **more,
        )  # fmt: skip
        self._show = lambda shown: self._line.update(value=shown)
        self._line.on_change("value", lambda attr, old, new: self._tell(new))
        return [self._line]

    def _tell(self, value: Any) -> None:
        if not self._setting:
            self.value = value
            self._changed(self.control.name, value)


class Panel:
    """All controls of some groups below each other, each group under a heading that folds it away."""

    def __init__(
        self,
        groups: tuple[Group, ...],
        values: Values,
        changed: Callable[[str, Any], None],
        shows: Callable[[str], bool] = lambda name: True,
    ) -> None:
        self.fields: dict[str, Field] = {}
        self.roots: list[Any] = []
        for group in groups:
            for control in group.controls:
                self.fields[control.name] = Field(control, values[control.name], changed)
            body = bk.Column(
                *(self.fields[control.name].root for control in group.controls),
                sizing_mode="stretch_width", visible=group.open, margin=(2, 0, 6, 0),
            )  # fmt: skip
            self.roots += [_heading(group, body), body]
        self.follow(values, shows)

    def follow(self, values: Values, shows: Callable[[str], bool]) -> None:
        """Show the values, and the controls that matter with them."""
        for name, field in self.fields.items():
            field.set(values[name])
            field.show(shows(name))

    def refuse(self, argument: str, sentence: str) -> bool:
        """Put a sentence at the control that it is about; whether there is one."""
        found = False
        candidates = [f for f in self.fields.values() if f.root.visible and f.control.answers_for(argument)]
        own = [field for field in candidates if field.control.name == argument] or candidates[:1]
        for field in self.fields.values():
            here = bool(sentence) and field in own
            field.say(sentence if here else "")
            found = found or here
        return found


def _heading(group: Group, body: Any) -> Any:
    mark = "▾" if group.open else "▸"
    heading = bk.Toggle(
        label=f"{mark} {group.title}", active=group.open, sizing_mode="stretch_width", margin=(4, 0, 0, 0),
        stylesheets=[_HEADING], name=f"group-{group.title}",
    )  # fmt: skip
    code = "body.visible = cb_obj.active; cb_obj.label = (cb_obj.active ? '▾ ' : '▸ ') + title"
    heading.js_on_change("active", bk.CustomJS(args={"body": body, "title": group.title}, code=code))
    return heading
