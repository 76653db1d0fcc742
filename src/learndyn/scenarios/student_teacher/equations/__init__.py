"""The equations of a two-layer student as formulas that are printed and evaluated.

whole           all of them put together, for a scenario
arrangements    how each order parameter changes, from averages of the modulation F: one function an arrangement
rules           what those averages are: gradient descent, Hebb, perceptron, AdaTron, a rule of one's own
update          the update in words of mathematics
numbers         the numbers that the formulas are evaluated with, and the legend
"""
