"""The verb that shows the equations of a scenario: equations."""

from __future__ import annotations

from typing import Any

from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.scenarios.equations import system_of


def equations(scenario: Any, *, explicit: bool = False, numbers: bool = False) -> Any:
    r"""The equations of this very scenario in LaTeX: update rule, order parameters, averages, error, and a legend.

    What is off is not there; what is on stands with its symbol and, in the legend, its value. The same formulas are
    printed and evaluated (``.evaluate(start)``), and agree with `ld.drift`.

    Parameters
    ----------
    scenario
        Any scenario of the library.
    explicit
        Write every component out, with sums carried out and all averages inserted: for perceptrons and small systems
        (K + M up to 4) of `ld.StudentTeacher`.
    numbers
        Put the values of rates, noise, decay, ... in the place of their symbols.

    Returns
    -------
    Equations
        ``.latex`` (an ``align`` environment), ``.sections``, ``.symbols``, ``.evaluate(start)``, ``.picture()`` and
        ``.save("equations.tex")`` (or ``.pdf``, ``.png``, ``.svg``); a notebook shows it as formulas.

    Raises
    ------
    InputError
        When the scenario is none, or ``explicit`` is asked for a system that is too large.

    Notes
    -----
    An average without a closed form is left as an average, with the law that it is taken over. Importing SymPy takes a
    third of a second, at the first call.

    Examples
    --------
    >>> import learndyn as ld
    >>> committee = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=0.1, weight_decay=1e-3)
    >>> shown = ld.equations(committee)
    >>> print(shown.sections["equations"][0])
    \frac{dR_{in}}{d\alpha} = \eta \langle \delta_{i} y_{n} \rangle - \eta \lambda R_{in}
    >>> sorted(shown.evaluate(ld.Start.near_symmetric(committee, Q=0.2, X=1e-3)))
    ['Q', 'R', 'eps_g']
    """
    from learndyn.formulas.equations import Equations

    for name, value in (("explicit", explicit), ("numbers", numbers)):
        if not isinstance(value, bool):
            raise InputError(f"Argument `{name}` must be True or False, but it is {shown(value)}. Write {name}=True.")
    return Equations(scenario, system_of(scenario, explicit), explicit=explicit, insert=numbers)
