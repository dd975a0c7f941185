"""How Sphinx builds the site: `python -m sphinx -W --keep-going -b html docs build/site`."""

import sys
from pathlib import Path

# The extension is beside this file, and the table of operations that it reads is in tests/.
sys.path.insert(0, str(Path(__file__).parents[1]))

from ultravox_async import __version__

project = "ultravox-async"
author = "The ultravox-async maintainers"
copyright = "the ultravox-async maintainers"  # noqa: A001 - the name that Sphinx reads
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "docs.site_extension"]
suppress_warnings = ["myst.strikethrough"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# `Names` in single backticks are links to what they name, if it is on the site.
default_role = "py:obj"
add_module_names = False
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}

html_theme = "furo"
pygments_dark_style = "monokai"
html_title = f"ultravox-async {__version__}"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#6d28d9", "color-brand-content": "#6d28d9"},
    "dark_css_variables": {"color-brand-primary": "#b794f6", "color-brand-content": "#b794f6"},
}
