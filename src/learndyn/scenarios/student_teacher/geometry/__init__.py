"""Where the weight vectors live, and which of their overlaps make the state: one file an arrangement.

An arrangement knows the blocks of the state, how the covariance of the pre-activations follows from them, and how they
change when every J_i gains (eta / N) F_i xi: from averages of F alone (`moments`). It knows nothing of activations.
"""

from learndyn.scenarios.student_teacher.geometry.choice import arrangement_of

__all__ = ["arrangement_of"]
