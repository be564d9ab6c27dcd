"""What programs and people write curves in, a reader for each, and the table of them.

A reader returns the trainings that it finds, each as lists of one value per epoch by
written name, and none if the text is something else.
"""

from collections.abc import Callable

from skloss.record.epoch_rows import Columns
from skloss.record.formats.epoch_lines import read_epoch_lines
from skloss.record.formats.keras_log import read_keras_log
from skloss.record.formats.printed_dicts import (
    read_dicts_of_lists,
    read_dicts_of_numbers,
)
from skloss.record.formats.text_tables import read_text_tables

__all__ = ["PRINTED"]

# What is printed, in the order in which it is tried: the more certain forms first.
# Next to it, `history_files` reads CSV, JSON, notebooks and folders, told by the file.
PRINTED: dict[str, Callable[[str], list[Columns]]] = {
    "a printed history of lists": read_dicts_of_lists,
    "what Keras' fit prints": read_keras_log,
    "printed dicts of numbers, as Hugging Face's": read_dicts_of_numbers,
    "tables of skorch, fastai and Markdown": read_text_tables,
    "lines of a training loop, as people write them": read_epoch_lines,
}
