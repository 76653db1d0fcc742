"""The verbs of the public face. They check arguments, call an engine, and label the result."""

from learndyn.verbs.simulation import simulate
from learndyn.verbs.theory import drift, solve

__all__ = ["drift", "simulate", "solve"]
