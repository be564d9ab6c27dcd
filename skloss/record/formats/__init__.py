"""Formats of curves, a reader for each, and the table of them.

A reader of what is printed takes its lines, without what a terminal or logger puts
around them. It returns the trainings that it finds, each as lists of one value per
epoch by written name, and none if the text is something else.
"""

from collections.abc import Callable, Sequence

from skloss.record.epoch_rows import Columns
from skloss.record.formats.epoch_lines import read_epoch_lines
from skloss.record.formats.keras_log import read_keras_log
from skloss.record.formats.printed_dicts import read_dicts_of_numbers
from skloss.record.formats.text_tables import read_text_tables

__all__ = ["PRINTED"]

# In the order in which they are tried: the more certain forms first. `history_files`
# tells what is not printed lines: CSV, JSON, notebooks, folders, and dicts of lists.
PRINTED: dict[str, Callable[[Sequence[str]], list[Columns]]] = {
    "what Keras' fit prints": read_keras_log,
    "printed dicts of numbers, as Hugging Face's": read_dicts_of_numbers,
    "tables of skorch, fastai and Markdown": read_text_tables,
    "lines of a training loop, as people write them": read_epoch_lines,
}
