"""Activation functions by name: one file each, gathered here."""

from learndyn.activations.base import Activation
from learndyn.activations.registry import activation, activation_names

__all__ = ["Activation", "activation", "activation_names"]
