"""Sphinx's settings for the book. It opens from disk without a network: no fonts, no scripts from elsewhere."""

import pathlib
import sys

import simviz

sys.path.insert(0, str(pathlib.Path(__file__).parent))

project = "simviz"
author = "the simviz authors"
release = simviz.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "mathml", "docstrings", "votes"]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # build.py has run them
nb_merge_streams = True
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
smartquotes = False
toc_object_entries_show_parents = "hide"
suppress_warnings = ["ref.python"]  # a short name such as Map in a signature may be that of two classes
html_theme = "furo"
html_title = "simviz: fixed points, invariant sets and their spectra"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_domain_indices = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
exclude_patterns = ["_build"]
