r"""
Figure 7: the pixels of MNIST
=============================

As figure 5, without a bank of filters: the inputs are the 784 pixels. They are far from Gaussian, and the theory
still follows the accuracy on images that were not learned. The curves are read from results that come with the
package.
"""

import learndyn as ld

ld.figures.draw("schmid2024/7a")

# %%

ld.figures.draw("schmid2024/7b")
