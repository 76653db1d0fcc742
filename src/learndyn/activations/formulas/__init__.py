"""The closed forms of Gaussian averages as formulas that are printed, next to the programs that compute them.

classical    erf, ReLU and linear units, as the literature writes them
mixtures     two units of different kinds: erf, ReLU, leaky ReLU, linear, sign, step; polynomials; sines
choice       which formulas a network needs

C_ab = <z_a z_b> are the covariances of the pre-activations z = (x, y).
"""
