"""An activation with averages in closed form: the bump g(x) = exp(-x^2 / 2), of which a unit is a Gaussian ridge.

A product of bumps is a Gaussian in its arguments, so that it tilts the covariance C of the variables it stands on. With
D = diag(1 for each variable under a bump, else 0),

    < f(z) exp(-z^T D z / 2) > = det(1 + C D)^(-1/2) <f(z)>_S,        S = (1 + C D)^(-1) C

which holds for singular C too.
"""

import numpy as np

import learndyn as ld


def g(x, xp):
    """g(x) = exp(-x^2 / 2)."""
    return xp.exp(-0.5 * x * x)


def dg(x, xp):
    """g'(x) = -x exp(-x^2 / 2)."""
    return -x * xp.exp(-0.5 * x * x)


def I2(s11, s12, s22, xp):
    """<g(u) g(v)> = det(1 + C)^(-1/2)."""
    return 1.0 / xp.sqrt((1.0 + s11) * (1.0 + s22) - s12 * s12)


def I3(C, xp):
    """<g'(u) v g(w)> = -<u v exp(-(u^2 + w^2) / 2)>: v stands under no bump."""
    weight, S = tilted(C, np.array([1.0, 0.0, 1.0]), xp)
    return -weight * S[..., 0, 1]


def I4(C, xp):
    """<g'(a) g'(b) g(c) g(d)> = <a b exp(-(a^2 + b^2 + c^2 + d^2) / 2)>."""
    weight, S = tilted(C, np.ones(4), xp)
    return weight * S[..., 0, 1]


def tilted(C, under, xp):
    """det(1 + C D)^(-1/2) and S = (1 + C D)^(-1) C."""
    A = np.eye(len(under)) + C * under
    return 1.0 / xp.sqrt(xp.linalg.det(A)), xp.linalg.solve(A, C)


bump = ld.new_activation("bump", g, dg, averages={"I2": I2, "I3": I3, "I4": I4})

if __name__ == "__main__":
    print(ld.testing.check_activation("bump"))
