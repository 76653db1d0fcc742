"""The look of a picture: one journal column wide, colours for colour-blind readers, text that stays text."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import matplotlib
from cycler import cycler

#: Width in inches of one column of a two-column journal.
COLUMN = 3.4
#: Width in inches of the full text of a two-column journal.
TEXT_WIDTH = 7.0

#: The colours of lines, those of Okabe & Ito (2008), "Color universal design": without yellow, too pale on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")

RC = {
    "figure.figsize": (COLUMN, 2.5),
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "font.family": "STIXGeneral",  # comes with matplotlib; Times-like, as are its formulas
    "font.size": 9,
    "mathtext.fontset": "stix",
    "text.usetex": False,
    "axes.titlesize": 9,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.handlelength": 1.9,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.2,
    "legend.labelspacing": 0.3,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "lines.markeredgewidth": 0.8,
    "axes.linewidth": 0.6,
    "axes.prop_cycle": cycler(color=PALETTE),
    "hatch.linewidth": 0.5,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "learndyn",
}


def paper(**changes: Any) -> AbstractContextManager[None]:
    """A context in which matplotlib draws for a paper: one column wide (3.4 inches), small readable fonts.

    Text is embedded as text (PDF: TrueType; SVG: text elements), formulas are set by matplotlib itself, so that no
    LaTeX installation is needed.

    Parameters
    ----------
    **changes
        Entries of ``matplotlib.rcParams`` to change, with ``_`` for ``.`` (``font_size=9``).

    Returns
    -------
    context manager
        To be used in a ``with`` statement; the user's own settings are restored at its end.

    Raises
    ------
    KeyError
        When matplotlib has no such entry.

    Examples
    --------
    >>> import learndyn as ld
    >>> with ld.plot.paper(font_size=9):
    ...     pass
    """
    known = {name.replace(".", "_"): name for name in matplotlib.rcParams}
    settings: Any = RC | {known.get(name, name): value for name, value in changes.items()}
    return matplotlib.rc_context(settings)
