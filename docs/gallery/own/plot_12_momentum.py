r"""
Momentum or gradient descent?
=============================

Inertia carries a student through the flat parts of its error. With the friction :math:`\gamma` a step has the effect
:math:`\eta/\gamma` in the long run, so that schemes are compared at equal :math:`\eta/\gamma`: two erf units learn
two, from a start near the plateau.
"""

import matplotlib.pyplot as plt

import learndyn as ld

gradient = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=0.5)
start = ld.Start.near_symmetric(gradient, Q=[0.2, 0.3], X=1e-2)
cases = {"gradient descent": gradient} | {
    rf"momentum, $\gamma={gamma:g}$": gradient.replace(
        learning_rate=0.5 * gamma, rule=ld.Momentum(damping=gamma)
    )
    for gamma in (1.0, 0.1, 0.03)
}
curves = {
    name: ld.solve(scenario, start, until=600, save_at=601) for name, scenario in cases.items()
}

# %%
# Strong friction is gradient descent. With weak friction the student swings and leaves the plateau later; once it has
# left, :math:`\gamma=0.1` is the faster one, and catches up. With less friction still, the swings are all that is
# left.

with ld.plot.paper():
    figure, ax = plt.subplots(figsize=(5.0, 3.2))
    for name, curve in curves.items():
        ax.plot(curve.alpha, curve.eps_g, label=name)
    ax.set(xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", yscale="log", xlim=(0, 600), ylim=(1e-7, 3))
    ax.legend(loc="lower left")
plt.show()

# %%
# When the error falls below 0.005.

{name: float(curve.alpha[(curve.eps_g < 5e-3).values.argmax()]) for name, curve in curves.items()}
