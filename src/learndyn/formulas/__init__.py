"""Formulas that are printed and evaluated: the same tree gives the LaTeX of an equation and its numbers.

nodes        what formulas are made of: entries R_in, averages <delta_i y_n>, sums over units
printer      a formula as LaTeX, its terms in the order in which they were written
walker       the value of a formula, in numbers or written out in symbols
system       the equations of a scenario: update rule, equations, averages, error, symbols
equations    a system as people use it: LaTeX, notebook, picture, file, numbers
picture      a system as a picture

SymPy is imported by these modules, and they by the functions that need them.
"""
