"""The mean and covariance of weights that learn by any rule, from its mean update alone."""

from learndyn.scenarios.moments.base import Form, MeanUpdate, size
from learndyn.scenarios.moments.flow import drift, make_flow

__all__ = ["Form", "MeanUpdate", "drift", "make_flow", "size"]
