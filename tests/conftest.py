"""Fixtures that several modules of tests share."""

import os
import warnings
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
# Keras reads its settings when it is imported, which each code does with its own.
TENSORFLOW_ALONE = """
import sys
sys.modules["keras"] = None
import imblearn.pipeline, pandas, sklearn.model_selection, tensorflow
del sys.modules["keras"]
"""


@pytest.fixture(scope="session")
def tensorflow_server():
    """A process that has imported TensorFlow, which has not run, for each code."""
    from fork_server import ForkServer

    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    with ForkServer(TENSORFLOW_ALONE, PYTHONPATH=path) as server:
        yield server


@pytest.fixture
def sketched(monkeypatch):
    """Keep no more than the words of a picture of a report.

    The picture is made as ever. To lay it out and to write it takes longer than all the
    rest of the page, and is for the tests that look at pictures.
    """
    write = Figure.savefig

    def savefig(figure, target, **options):
        if options.get("format") != "svg":
            return write(figure, target, **options)
        root = ElementTree.Element(f"{SVG}svg", viewBox="0 0 432 288")
        for text in figure.findobj(Text):
            if text.get_visible() and text.get_text():
                ElementTree.SubElement(root, f"{SVG}text").text = text.get_text()
        return target.write(ElementTree.tostring(root, encoding="unicode"))

    monkeypatch.setattr(Figure, "savefig", savefig)


@pytest.fixture
def eager():
    """Let Keras run steps as they come: to trace one takes longer than to run a few."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    with warnings.catch_warnings():
        # Of the data sets that Keras makes, which are no steps.
        warnings.filterwarnings("ignore", "Even though the `tf.config.experimental_run")
        yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def graphs(monkeypatch):
    """Compile a graph where it would be XLA, which takes three times as long.

    For tests of other things, in one process: those of training compare the two.
    """
    from skloss.training import trainer

    choose = trainer.choose_backend

    def no_xla(*given):
        found = choose(*given)
        return "graph" if found == "xla" else found

    monkeypatch.setattr(trainer, "choose_backend", no_xla)
