"""The methods by which a scenario can be simulated, by name; the first is the default.

overlaps     the order parameters as a Markov chain, exact in law
weights      gradient descent on weight vectors
diffusion    the chain at large N as a stochastic differential equation
"""

METHODS = ["overlaps", "weights", "diffusion"]
