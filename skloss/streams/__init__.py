"""Rows that need not fit into memory: they are read in blocks, as often as asked."""

from skloss.streams.arrays import array_rows
from skloss.streams.iterated import block_rows, tf_data_rows
from skloss.streams.parquet import parquet_rows
from skloss.streams.row_source import Block, RowSource

__all__ = [
    "Block",
    "RowSource",
    "array_rows",
    "block_rows",
    "parquet_rows",
    "tf_data_rows",
]
