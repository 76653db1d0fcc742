"""Expectations over jointly Gaussian variables: pure mathematics that knows nothing of learning."""
