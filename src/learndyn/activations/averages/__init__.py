"""Gaussian averages of the units of two layers: closed forms where they are known, quadrature elsewhere."""
