"""The methods by which a scenario can be simulated or solved, by name; the first to simulate is the default.

overlaps     the order parameters as a Markov chain, exact in law
weights      gradient descent on weight vectors
diffusion    the chain at large N as a stochastic differential equation

descent      of linear networks: steps along the expected gradient, with the masks of dropout where there is any
samples      of their matrices: drawn examples, one or a batch a step

closed_form  theory as a formula in time, where the scenario has one for the start; then it is the default
ode          theory integrated step by step
"""

METHODS = ["overlaps", "weights", "diffusion"]
# By the kind of the scenario.
DESCENTS = {"linear_modes": ["descent"], "deep_linear": ["descent", "samples"]}
THEORIES = ["closed_form", "ode"]
