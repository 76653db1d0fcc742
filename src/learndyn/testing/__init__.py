"""The conformance tests that extensions of learndyn pass: one call, no knowledge of how the extension is written."""

from __future__ import annotations

from learndyn.testing.activations import check_activation
from learndyn.testing.report import ActivationReport, Check

__all__ = ["ActivationReport", "Check", "check_activation"]
