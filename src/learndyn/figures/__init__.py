"""The figures of the source documents, redrawn: one function a figure, each with the numbers that it stands for.

    names()            all names, as "2018-relu-k2-m2-order-parameters" or "schmid2024/2c"
    describe(name)     one line about it
    draw(name)         the picture, its numbers and its caption

2018: Straat, "On-line learning in neural networks with ReLU activation" (slides). 2019: Straat & Biehl, "Towards a
statistical physics analysis of multilayer ReLU neural networks" (slides). schmid2024: Schmid & Murray, "Dynamics of
supervised and reinforcement learning in the non-linear perceptron" (2024), by figure and panel.
"""

from learndyn.figures.registry import Figure, describe, draw, names

__all__ = ["Figure", "describe", "draw", "names"]
