"""Decoupled modes of a linear network of any depth, each with its own strength."""
