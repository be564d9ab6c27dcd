"""No test and no example leaves a figure open for the next one."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Close all figures after each."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
