"""How Sphinx builds the documentation: `make docs`.

No page that it makes asks for anything from the network: MathJax, fonts and scripts are copied from installed packages,
and references to other projects are plain words instead of links that would have to be looked up.
"""

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE)]  # our extensions; gallery_pictures
# Gallery scripts draw to files, and a build leaves no compiled programs outside of the project.
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("NUMBA_CACHE_DIR", str(HERE.parent / "build" / "numba-docs"))

import learndyn  # noqa: E402

project = "learndyn"
author = "The learndyn developers"
project_copyright = author
version = release = learndyn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "docstrings",  # this and the next two are in _ext
    "command_line",
    "stale_pages",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_templates", "_ext", "_generated", "gallery", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]
# Every reference must have a target: `ld.solve` in backticks is one.
nitpicky = True
nitpick_ignore_regex = [
    # Base classes of other projects are words and no links.
    ("py:class", r"(?!learndyn\.).*"),
]
show_warning_types = True

# Docstrings.

autosummary_generate = True
autodoc_member_order = "bysource"
# Ranges and shapes stand in words below each signature; annotations, often `Any`, say less.
autodoc_typehints = "none"
python_maximum_signature_line_length = 88
add_module_names = False
default_role = "literal"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
# What the page of a name must have: a summary that is a sentence, sections in order, every argument in the order of
# the signature and no other, what it returns.
numpydoc_validation_checks = {"GL07", "GL08", "PR01", "PR02", "PR03", "PR07", "PR09", "RT01", "RT03", "SS01", "SS03"}
# Methods say it in a line or two, and so do modules, what engines are made of, and ld.scenario_of.
numpydoc_validation_exclude = {
    r"\.[A-Z]\w*\.\w+$",
    r"^learndyn(\.[a-z_]+)?$",
    r"^learndyn\.extending\.",
    r"\.(scenario|start)_of$",
}

# Markdown: what git hosts show as well, and directives between colons.

myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence", "attrs_inline", "substitution"]
myst_heading_anchors = 4
myst_dmath_double_inline = True

# Mathematics is drawn as SVG by a MathJax of our own, which needs no fonts: also in pages opened as files.

_mathjax = Path(import_module("sphinx-mathjax-offline").__file__).parent / "static" / "mathjax"
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"svg": {"fontCache": "local"}, "options": {"enableMenu": False}}

# The gallery.

sphinx_gallery_conf = {
    "examples_dirs": ["gallery"],
    "gallery_dirs": ["auto_gallery"],
    "image_scrapers": ("matplotlib", "gallery_pictures.show_figure"),
    "filename_pattern": r".*\.py",
    "doc_module": ("learndyn",),
    "backreferences_dir": "_generated/backreferences",
    "inspect_global_variables": False,
    "subsection_order": [
        f"gallery/{name}" for name in ("own", "straat2018", "straat2019", "schmid2024", "pretorius2017")
    ],
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "abort_on_example_error": False,
    "image_srcset": ["2x"],
    "matplotlib_animations": False,
    "capture_repr": ("_repr_html_", "__str__"),
    "ignore_repr_types": r"matplotlib|learndyn\.figures",  # pictures, which are shown
    "copyfile_regex": r".*\.(npz|csv|json|nc|toml)",
}

# Pages.

html_theme = "pydata_sphinx_theme"
html_title = "learndyn"
html_logo = "_static/logo.svg"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["learndyn.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "learndyn"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "back_to_top_button": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "getting-started": [], "changelog": [], "citing": [], "contributing": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def _copy_mathjax(app, error):
    """The parts of MathJax that the pages load, beside the pages."""
    if error is None and app.builder.format == "html":
        from sphinx.util.fileutil import copy_asset_file

        target = Path(app.outdir) / "_static" / "mathjax"
        target.mkdir(parents=True, exist_ok=True)
        copy_asset_file(str(_mathjax / "tex-svg.js"), str(target))


def setup(app):
    """Copy what pages need when they are written."""
    if find_spec("sphinx-mathjax-offline") is None:
        raise RuntimeError("The package sphinx-mathjax-offline is missing: install learndyn[docs].")
    app.connect("build-finished", _copy_mathjax)
