"""How to make a start, where each scenario of a sweep needs one of its own: `StartRecipe`."""

from __future__ import annotations

import inspect
from typing import Any

from learndyn.arguments import did_you_mean, shown
from learndyn.errors import InputError


class StartRecipe:
    """A start that is made anew for each scenario of a sweep: a maker of starts and its arguments.

    Parameters
    ----------
    make
        A class method that takes the scenario first: `ld.Start.random`, `ld.Start.near_symmetric`,
        `ld.Start.random_weights`, `ld.LinearWeights.random`, `ld.LinearWeights.balanced`, ....
    **arguments
        Its other arguments. Any number among them can be swept, as ``"start.X"``. What is drawn needs a seed, here or
        among the swept parameters.

    Raises
    ------
    InputError
        When `make` makes no starts, or does not know an argument.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0)
    >>> recipe = ld.StartRecipe(ld.Start.near_symmetric, Q=0.2)
    >>> curves = ld.sweep(scenario, recipe, over={"start.X": [1e-3, 1e-6]}, until=50.0, save_at=[0.0, 50.0])
    >>> curves.R.sel({"start.X": 1e-6, "alpha": 0.0, "student": 1, "teacher": 1}).item()
    1e-06
    """

    def __init__(self, make: Any, /, **arguments: Any) -> None:
        owner, name = getattr(make, "__self__", None), getattr(make, "__name__", "")
        parameters = list(inspect.signature(make).parameters) if inspect.ismethod(make) else []
        if not isinstance(owner, type) or parameters[:1] != ["scenario"]:
            raise InputError(
                "Argument `make` must be a class method that makes a start for a scenario, such as "
                f"ld.Start.near_symmetric, but it is {shown(make)}. "
                "Write ld.StartRecipe(ld.Start.near_symmetric, Q=0.2)."
            )
        self.owner, self.name = owner, name
        self.allowed = tuple(parameters[1:])
        self._required = tuple(
            key
            for key, each in (inspect.signature(make).parameters if parameters else {}).items()
            if each.default is each.empty and key != "scenario"
        )
        self.drawn = "seed" in self.allowed
        self.arguments = dict(arguments)
        for key in arguments:
            self.check(key)

    def check(self, key: str) -> None:
        """Refuse an argument that the maker does not have."""
        if key not in self.allowed:
            raise InputError(
                f"Argument `{key}` of {self.owner.__name__}.{self.name} must be {', '.join(self.allowed)}."
                f"{did_you_mean(key, list(self.allowed))}"
            )

    def refuse_missing(self, swept: list[str]) -> None:
        """Refuse a recipe that lacks what the maker needs and no sweep gives; what it draws with is refused apart."""
        for key in self._required:
            if key != "seed" and key not in self.arguments and key not in swept:
                raise InputError(
                    f"Argument `{key}` of {self.owner.__name__}.{self.name} must be given, but it is missing in "
                    f"{shown(self)}. Add {key}=..., or sweep 'start.{key}'."
                )

    def replace(self, **changes: Any) -> StartRecipe:
        """The recipe with other arguments."""
        return StartRecipe(getattr(self.owner, self.name), **{**self.arguments, **changes})

    def made(self, scenario: Any, changes: dict[str, Any]) -> Any:
        """The start for a scenario, with these arguments in the place of the recipe's."""
        return getattr(self.owner, self.name)(scenario, **{**self.arguments, **changes})

    def to_plain(self) -> dict[str, Any]:
        """As numbers, words and lists."""
        kind = self.name if self.owner.__name__ == "Start" else f"{self.owner.__name__}.{self.name}"
        return {"kind": kind, **{key: _plain(value) for key, value in self.arguments.items()}}

    def __repr__(self) -> str:
        given = "".join(f", {key}={value!r}" for key, value in self.arguments.items())
        return f"StartRecipe({self.owner.__name__}.{self.name}{given})"


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
