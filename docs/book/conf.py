"""Sphinx's settings for the book. It opens from disk without a network: no fonts, no scripts from elsewhere."""

import pathlib
import sys

import simviz

sys.path.insert(0, str(pathlib.Path(__file__).parent))

project = "simviz"
author = "the simviz authors"
release = simviz.__version__
extensions = ["myst_nb", "mathml"]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"  # build.py has run them
nb_merge_streams = True
html_theme = "furo"
html_title = "simviz: fixed points, invariant sets and their spectra"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_sourcelink = False
exclude_patterns = ["_build"]
