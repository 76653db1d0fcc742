"""A result as one HTML file that needs no Python, no network and no other file: for a talk, a class, a reader.

export      the verb `export_html`
from_file   runs a scenario file for a page
members     the single runs of a result, and the sliders that choose among them
marks       plateaus of a run and the eigenvalues there
payload     all that a page shows, as data
python_call the Python that computes a result, where no scenario file holds its scenario
equations   the equations of the scenario, as a picture and as LaTeX
symbols     names and numbers as a page sets them
page        data and the page's own HTML, CSS and script as one text

The script (axis.js, chart.js, page.js) draws in SVG. A plotting library in the file would be larger than most data:
Bokeh's two files are 1.7 MB, this script is some 20 kB, prints sharp, and native sliders follow the keyboard.
"""

from learndyn.html.export import export_html

__all__ = ["export_html"]
