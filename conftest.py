"""What holds for all tests and examples: strict rules, and no figure left open."""

import gc
import os
import signal
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# A process per core: more threads of OpenMP in each would spin while they wait for one.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@settings(max_examples=1, database=None)
@given(st.none())
def draw_once(nothing):
    """Let Hypothesis make its generator of random numbers."""


def pytest_collection_finish():
    """Look for no garbage in what the imports made, which is much of TensorFlow."""
    # Hypothesis 6.119 asks the collector who holds that generator, and warns if nobody.
    draw_once()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Close all figures after each."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Let Ctrl-C raise, also where the tests are a background job that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def rules_raise_their_errors(monkeypatch):
    """Raise what a rule raises; users get it as a rule that was not assessed."""

    def raise_it(name, error):
        raise AssertionError(f"the rule {name} fails") from error

    monkeypatch.setattr("skloss.diagnosis.diagnosis.internal_error", raise_it)
