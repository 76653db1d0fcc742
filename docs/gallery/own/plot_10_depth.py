r"""
Depth makes learning sudden
===========================

Linear networks with one to five layers learn the same three singular values from small balanced weights. In a network
of D layers a mode of strength u grows at the rate :math:`D\,u^{2-2/D}(s-u)`: the deeper it is, the longer weak modes
wait, and the more sudden they are.
"""

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

s = np.array([3.0, 2.0, 1.0])
depths = (1, 2, 3, 5)
with ld.plot.paper():
    figure, axes = plt.subplots(1, 4, figsize=(7.0, 2.4), sharey=True)
    for ax, depth, until in zip(axes, depths, (5, 5, 8, 8), strict=True):
        task = ld.DeepLinear(np.diag(s), hidden=(3,) * (depth - 1))
        # Each layer the same multiple of the identity, so that the modes begin at u = 0.01.
        start = ld.LinearWeights(*[0.01 ** (1 / depth) * np.eye(3)] * depth)
        curve = ld.solve(task, start, until, save_at=201)
        ax.plot(curve.t, curve.u)
        ax.set(xlabel="$t$", xlim=(0, until), title=f"{depth} layer{'s' * (depth > 1)}")
    axes[0].set(ylabel="strength $u$ of a mode", ylim=(-0.1, 3.3))
    for value in s:
        axes[0].annotate(
            f"$s={value:g}$",
            (4.8, value),
            xytext=(0, -3),
            textcoords="offset points",
            ha="right",
            va="top",
        )
plt.show()
