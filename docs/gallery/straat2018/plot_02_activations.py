r"""
Activation functions
====================

The ReLU unit :math:`g(x)=x\,\theta(x)` and its derivative (slide 15). Averages over Gaussian inputs take the mean of
both sides at the kink, which has no weight in them.
"""

import learndyn as ld

ld.figures.draw("2018-relu-and-derivative")

# %%
# An activation of the library is its function, its derivative, and the averages over jointly Gaussian fields that the
# equations of learning need, in closed form where it has one: :math:`I_2(C)=\langle g(x)\,g(y)\rangle`.

relu = ld.activation("relu")
relu.I2([[1.0, 0.5], [0.5, 1.0]]).item()

# %%
# The output of a perceptron with :math:`J=(2.5,-1.2)` over the plane of its inputs, for three activations (slide 14).

ld.figures.draw("2018-activation-surfaces")
