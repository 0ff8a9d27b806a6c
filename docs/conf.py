"""Configuration of Sphinx; `tox run -e docs` builds the pages and tests them."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extension"))

import tutum  # noqa: E402: installed, or on the path that the caller gives

project = "python-tutum"
author = "the python-tutum authors"
copyright = author
version = release = tutum.__version__

extensions = ["sphinx.ext.autodoc", "service_reference"]
exclude_patterns = ["_build", "examples", "extension"]

# The pages are built offline, so names of the standard library have nothing to lead to.
nitpicky = True
nitpick_ignore = [("py:class", name) for name in ("str", "int", "bool", "list", "dict", "object", "Exception")]
nitpick_ignore += [("py:exc", "AttributeError")]

autodoc_member_order = "bysource"
autodoc_typehints = "none"

highlight_language = "text"
# Much that has quotes or hyphens here is to be typed as it stands.
smartquotes = False
html_theme = "furo"
html_title = f"python-tutum {release}"
html_copy_source = False
html_show_copyright = False
html_theme_options = {"footer_icons": [], "top_of_page_buttons": []}
