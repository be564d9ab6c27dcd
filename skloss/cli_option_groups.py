"""Groups of options that several commands have, and the types of their values."""

from __future__ import annotations

import argparse
import os

__all__ = [
    "add_data_options",
    "add_folds_and_seed",
    "add_missing",
    "add_model_options",
    "add_network",
    "add_run_options",
    "fraction",
    "positive_int",
    "whole_number",
]


def add_missing(parser: argparse._ActionsContainer) -> None:
    """Add the values that stand for missing ones."""
    parser.add_argument(
        "--missing",
        action="append",
        default=[],
        metavar="VALUE",
        help="value that stands for a missing one, such as --missing=-999; can be "
        "repeated",
    )


def add_data_options(
    command: argparse.ArgumentParser, *, needs_file: bool = False
) -> None:
    """Add the file, and which of its columns are what."""
    group = command.add_argument_group("data")
    kinds = ".csv, .tsv, .csv.gz, .parquet, .npy, or .npz with arrays X and y"
    default = " (default: the heartbeats data that ships with the package)"
    group.add_argument(
        "file",
        nargs=None if needs_file else "?",
        metavar="FILE",
        help=kinds if needs_file else kinds + default,
    )
    group.add_argument("--target", metavar="COLUMN", help="column of the labels")
    group.add_argument(
        "--positive",
        metavar="VALUE",
        help="label of the positive class; all other labels become the negative class",
    )
    group.add_argument(
        "--groups",
        metavar="COLUMN",
        help="column of groups, such as patients; the rows of a group stay in one fold",
    )
    for name, meaning in (
        ("drop", "column to leave out; can be repeated"),
        ("keep", "column to keep though it looks like an index or like the target"),
    ):
        group.add_argument(
            f"--{name}", action="append", default=[], metavar="COLUMN", help=meaning
        )
    add_missing(group)


def add_model_options(command: argparse.ArgumentParser) -> None:
    """Add the network of a search, its grid and its sampler."""
    group = command.add_argument_group("network")
    smote = "smote (default, except for the grid of cnn1d, which has class weights), "
    add_network(group, f"{smote}none", "cnn1d")
    group.add_argument(
        "--grid",
        action="append",
        metavar='"NAME=V,V"',
        help="values of a parameter of the network, or of step__parameter; can be "
        "repeated (default: batch_norm, class_weight and global_pooling of cnn1d; "
        "dropout, width and activation of dense)",
    )


def add_network(group: argparse._ArgumentGroup, samplers: str, model: str) -> None:
    """Add the kind of network, and what stands in front of it."""
    kinds = {"cnn1d": "cnn1d for time series", "dense": "dense for tables"}
    kinds[model] += " (default)"
    group.add_argument(
        "--model", choices=tuple(kinds), default=model, help=", ".join(kinds.values())
    )
    group.add_argument(
        "--channels",
        type=positive_int,
        metavar="N",
        help="number of channels of a time series with timesteps * N columns "
        "(default 1)",
    )
    group.add_argument(
        "--sampler",
        metavar="NAME",
        help=f"{samplers}, or the name of any sampler of imbalanced-learn",
    )


def add_run_options(command: argparse.ArgumentParser) -> None:
    """Add how a search is run, and where its results go."""
    group = command.add_argument_group("run")
    add_folds_and_seed(group)
    group.add_argument(
        "--jobs",
        type=positive_int,
        default=min(2, os.cpu_count() or 1),
        metavar="N",
        help="number of fits at the same time (default %(default)s)",
    )
    group.add_argument(
        "--backend",
        choices=("threads", "dask", "ray"),
        default="threads",
        help="where the fits run: threads of this process (default), or workers of "
        "dask or ray, by default --jobs processes on this machine",
    )
    group.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="scheduler of dask, or head of ray, whose workers have skloss",
    )
    folder = group.add_mutually_exclusive_group()
    folder.add_argument(
        "--out",
        default="skloss-search",
        metavar="DIR",
        help="folder for results.csv, curves.png, report.html, the model and the "
        "list of finished fits (default ./%(default)s)",
    )
    folder.add_argument(
        "--resume",
        metavar="DIR",
        help="resume the interrupted search in this folder; use the same file and "
        "options",
    )


def add_folds_and_seed(group: argparse._ArgumentGroup) -> None:
    """Add the number of folds, and the seed."""
    group.add_argument(
        "--folds",
        type=_fold_count,
        metavar="N",
        help="number of folds (default 5)",
    )
    group.add_argument(
        "--seed",
        type=whole_number,
        default=0,
        metavar="S",
        help="random seed of the folds, the sampler and the network (default 0)",
    )


def positive_int(text: str) -> int:
    """Read a whole number of one or more."""
    return _at_least(text, 1)


def fraction(text: str) -> float:
    """Read a number between zero and one."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(
            f"must be a number above 0 and below 1, got {text!r}"
        )
    return value


def _fold_count(text: str) -> int:
    return _at_least(text, 2)


def whole_number(text: str) -> int:
    """Read a whole number of zero or more."""
    return _at_least(text, 0)


def _at_least(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(
            f"must be a whole number of at least {least}, got {text!r}"
        )
    return int(text)
