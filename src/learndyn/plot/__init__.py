"""Pictures of results, fit for a paper: each function takes results and an optional Axes, and returns the Axes.

    learning_curve      eps_g against alpha: theory as lines, simulations as markers with their standard errors
    order_parameters    R_in and Q_ik against alpha
    overview            eps_g, R and Q below each other; alignment, |w| and accuracy of a perceptron that learns classes
    moments             mean weights in a band of their standard deviations
    flow_field          the drift in a plane as streamlines, runs on top
    phase_diagram       where learning succeeds, and how long it takes: of a diagram, or of any sweep
    heat_map            a number over two parameters of a sweep, as colours
    family              learning curves of a sweep, one line for each value of a parameter
    paper               the look, as a context: one column wide, colour-blind-safe, text stays text
    save                a picture to a file, in that look

matplotlib is imported here and nowhere above: `import learndyn` does not load it.
"""

from learndyn.plot.family import family
from learndyn.plot.files import save
from learndyn.plot.flow_field import flow_field
from learndyn.plot.heat_map import heat_map
from learndyn.plot.learning_curve import learning_curve
from learndyn.plot.moments import moments
from learndyn.plot.order_parameters import order_parameters
from learndyn.plot.overview import overview
from learndyn.plot.phase_diagram import phase_diagram
from learndyn.plot.style import COLUMN, PALETTE, TEXT_WIDTH, paper

__all__ = [
    "COLUMN",
    "PALETTE",
    "TEXT_WIDTH",
    "family",
    "flow_field",
    "heat_map",
    "learning_curve",
    "moments",
    "order_parameters",
    "overview",
    "paper",
    "phase_diagram",
    "save",
]
