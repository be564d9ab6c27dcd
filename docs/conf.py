"""Sphinx configuration: pages, the API from docstrings, examples that are run."""

import os
import sys
from importlib import import_module
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is loaded

import skloss

sys.path.insert(0, str(Path(__file__).parent))

project = "skloss"
author = "The skloss developers"
copyright = f"2026, {author}"
version = release = skloss.__version__

extensions = [
    "changes_page",
    "numpydoc",
    "parameter_groups",
    "rules_page",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples"]
# Members are listed on the page of their class, not on pages of their own.
numpydoc_show_class_members = False
autodoc_typehints = "none"  # docstrings say them in words
autosummary_generate = True
smartquotes = False  # "relu" is typed with plain quotes
templates_path = ["_templates"]


def own_methods(module: str, name: str, methods: list[str]) -> list[str]:
    """Methods that skloss defines; scikit-learn describes what it gives itself."""
    owner = getattr(import_module(module), name)
    found = {method: getattr(owner, method, None) for method in methods}
    return [
        method
        for method, function in found.items()
        if method != "__init__"
        and getattr(function, "__module__", "").startswith("skloss")
    ]


autosummary_context = {"own_methods": own_methods}
suppress_warnings = ["config.cache"]  # a function in the context cannot be cached

html_theme = "pydata_sphinx_theme"
html_title = "skloss"
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    # Examples need the room for their code.
    "secondary_sidebar_items": {
        "api": ["page-toc"],
        "gallery/index": ["page-toc"],
        "generated/*": ["page-toc"],
        "guide/*": ["page-toc"],
        "guide/*/*": ["page-toc"],
        "gallery/*/*": [],
        "index": ["page-toc"],
        "rules": ["page-toc"],
    },
}
html_static_path = ["_static"]
html_css_files = ["skloss.css"]
html_sidebars = {"index": [], "rules": []}

sphinx_gallery_conf = {
    "examples_dirs": ["examples"],
    "gallery_dirs": ["gallery"],
    "subsection_order": ["examples/questions", "examples/workflows"],
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    # A display draws itself; only what has a representation for notebooks is shown.
    "capture_repr": ("_repr_html_",),
    "plot_gallery": True,
    "remove_config_comments": True,
}
