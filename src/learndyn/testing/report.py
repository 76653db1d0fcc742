"""What a conformance test measured, as a table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One comparison: the largest error that was measured, and the largest that is allowed.

    Parameters
    ----------
    name
        What was compared with what.
    error
        The largest error.
    allowed
        The largest that passes.
    """

    name: str
    error: float
    allowed: float


@dataclass(frozen=True)
class ActivationReport:
    """What `check_activation` measured; ``str(report)`` is the table.

    Parameters
    ----------
    name
        Of the activation.
    seed
        Of the random covariances.
    kinks, jumps
        Places at which g' jumps, and places and heights at which g does.
    checks
        The comparisons, a `Check` each.

    Examples
    --------
    >>> import learndyn as ld
    >>> report = ld.testing.check_activation("linear")
    >>> report.name, report.kinks, report.jumps
    ('linear', (), ())
    >>> all(check.error <= check.allowed for check in report.checks)
    True
    >>> print(report.checks[0])
    Check(name='kinks: measured against declared', error=0.0, allowed=1e-09)
    """

    name: str
    seed: int
    kinks: tuple[float, ...]
    jumps: tuple[tuple[float, float], ...]
    checks: tuple[Check, ...]

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = [f"{c.name:<{width}}  {c.error:9.2e}  of {c.allowed:.2e}" for c in self.checks]
        places = f"kinks {self.kinks or 'none'}, jumps {self.jumps or 'none'}"
        return "\n".join([f"activation {self.name!r}, seed {self.seed}, {places}", *lines])


@dataclass(frozen=True)
class ScenarioReport:
    """What `check_scenario` measured; ``str(report)`` is the table.

    Parameters
    ----------
    kind
        Of the scenario.
    seed
        Of the random states.
    checks
        The comparisons, a `Check` each.
    left_out
        What was not looked at, and why.

    Examples
    --------
    >>> import learndyn as ld
    >>> report = ld.testing.check_scenario(ld.LinearModes(1.0), ld.ModeStart(u=0.01))
    >>> all(check.error <= check.allowed for check in report.checks)
    True
    """

    kind: str
    seed: int
    checks: tuple[Check, ...]
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = [f"{c.name:<{width}}  {c.error:9.2e}  of {c.allowed:.2e}" for c in self.checks]
        lines += [f"not checked: {reason}" for reason in self.left_out]
        return "\n".join([f"scenario {self.kind!r}, seed {self.seed}", *lines])
