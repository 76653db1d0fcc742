"""The conformance tests that extensions of learndyn pass: one call, no knowledge of how the extension is written."""

from __future__ import annotations

from learndyn.testing.activations import check_activation
from learndyn.testing.report import ActivationReport, Check, ScenarioReport
from learndyn.testing.scenarios import check_scenario

__all__ = ["ActivationReport", "Check", "ScenarioReport", "check_activation", "check_scenario"]
