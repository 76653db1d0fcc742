"""How a scenario runs: theory, and the simulations."""
