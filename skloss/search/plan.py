"""Build a pipeline, a grid and folds from the options of ``skloss search``."""

from __future__ import annotations

import argparse
import ast
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    ParameterGrid,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from skloss.estimators import CNN1DClassifier, DenseClassifier, RocketClassifier
from skloss.model_selection import Pipeline
from skloss.nearest_name import nearest_names
from skloss.positive_class import positive_class
from skloss.search.baselines import baselines_behind
from skloss.search.data_files import LabeledRows
from skloss.search.grid_search import Search
from skloss.search.table_steps import columns_by_kind, series_steps, table_steps

__all__ = ["SearchError", "make_pipeline", "parse_grid", "plan_search"]

_GRIDS: dict[str, list[dict[str, list[Any]]]] = {
    "cnn1d": [
        {
            "batch_norm": [True],
            "class_weight": [None, "balanced"],
            "global_pooling": ["average", "max"],
        },
        {
            "batch_norm": [False],
            "class_weight": [None],
            "global_pooling": ["average", "max"],
        },
    ],
    "dense": [
        {
            "dropout": [0.0, 0.25, 0.5],
            "width": [16, 64],
            "activation": ["relu", "tanh"],
        }
    ],
}
_FOLDS = 5
_OF_CATEGORIES = ("smote", "smotenc", "smoten")
# With these parameters the default search ends within three minutes on two cores.
_HEARTBEAT_PARAMS = {
    "head": (),
    "dropout": 0.0,
    "epochs": 10,
    "batch_size": 64,
    "early_stopping": False,
}


class SearchError(ValueError):
    """An option of the search cannot be used, or no candidate could be trained."""


def plan_search(options: argparse.Namespace, table: LabeledRows) -> Search:
    """Build the search.

    Parameters
    ----------
    options : argparse.Namespace
        Parsed options of ``skloss search``.
    table : LabeledRows
        Rows and labels.

    Returns
    -------
    Search
        Search that is ready to run.

    Raises
    ------
    SearchError
        If an option is invalid, by itself or for these rows.
    """
    is_default = options.file is None
    params = _HEARTBEAT_PARAMS if is_default else {}
    pipeline = make_pipeline(options, table, params)
    name = pipeline.steps[-1][0]
    grids = [parse_grid(options.grid)] if options.grid else _GRIDS[options.model]
    candidates = list(ParameterGrid([_with_steps(grid, pipeline) for grid in grids]))
    if options.model == "cnn1d" and not options.grid:
        candidates.append({name: _rocket_like(pipeline.steps[-1][1])})
    groups = {}
    if table.groups is not None:  # by the name of their column, as sentences call them
        groups = {f"{name}__groups": pd.Series(table.groups, name=table.group_name)}
    return Search(
        pipeline,
        candidates=candidates,
        splits=_splits(options, table),
        n_jobs=options.jobs,
        fit_params=groups,
        baselines=baselines_behind(pipeline, options.seed),
    )


def make_pipeline(
    options: argparse.Namespace,
    table: LabeledRows,
    params: Mapping[str, Any] = MappingProxyType({}),
) -> Pipeline:
    """Make the pipeline of the options of the data and of the network.

    Parameters
    ----------
    options : argparse.Namespace
        Parsed options: ``model``, ``channels``, ``sampler``, ``seed``.
    table : LabeledRows
        Rows and labels.
    params : mapping, default={}
        Parameters of the network.

    Returns
    -------
    Pipeline
        Steps that suit the columns, then the network.

    Raises
    ------
    SearchError
        If an option is invalid, by itself or for these rows.
    """
    params = {**params, **_positive(table.y)}
    kinds = columns_by_kind(table.X)
    name, seed = _sampler_of(options).lower(), options.seed
    has_categories = "text" in kinds and name in _OF_CATEGORIES
    sampler = None if has_categories else make_sampler(_sampler_of(options), seed)
    if options.model == "dense":
        steps = table_steps(table.X, sampler, seed, has_categories)
        if options.channels is not None:
            raise SearchError("--channels needs --model cnn1d; remove it.")
        steps.append(("dense", DenseClassifier(random_state=seed, **params)))
        return Pipeline(steps)
    channels = options.channels or table.n_channels or 1
    if table.X.shape[1] % channels:
        raise SearchError(
            f"--channels {channels} does not divide the {table.X.shape[1]} columns: "
            "there must be timesteps * channels columns."
        )
    cnn = CNN1DClassifier(n_channels=channels, random_state=seed, **params)
    return Pipeline([*series_steps(table.X, sampler, channels), ("cnn", cnn)])


def _rocket_like(cnn: CNN1DClassifier) -> RocketClassifier:
    """Give the strongest simple classifier of series, to take the network's place."""
    shared = ("n_channels", "channels_first", "pos_label", "random_state")
    return RocketClassifier(**{name: getattr(cnn, name) for name in shared})


def _sampler_of(options: argparse.Namespace) -> str:
    """Name of the sampler: class weights, in the grid, take its place for series."""
    if options.sampler is not None:
        return str(options.sampler)
    return "none" if options.model == "cnn1d" and not options.grid else "smote"


def _positive(y: np.ndarray) -> dict[str, Any]:
    """Say which class is positive where it is the first, so that all folds agree."""
    classes, counts = np.unique(y, return_counts=True)
    is_first = positive_class(counts) == 0
    return {"pos_label": classes.tolist()[0]} if is_first else {}


def make_sampler(name: str, seed: int) -> Any:
    """Make a sampler of imbalanced-learn by its name, in any case of letters."""
    if name.lower() == "none":
        return None
    known = _samplers()
    sampler_class = known.get(name.lower())
    if sampler_class is None:
        near = nearest_names(name, known)
        hint = f"; did you mean {known[near[0]].__name__}?" if near else "."
        names = ", ".join(sorted(found.__name__ for found in known.values()))
        raise SearchError(
            f"--sampler {name} is not a sampler of imbalanced-learn "
            f"(none, {names}){hint}"
        )
    try:
        sampler = sampler_class()
    except TypeError as err:
        raise SearchError(
            f"--sampler {name} cannot be used without further arguments: {err}."
        ) from err
    if "random_state" in sampler.get_params():
        sampler.set_params(random_state=seed)
    return sampler


def _samplers() -> dict[str, type]:
    modules = [
        importlib.import_module(f"imblearn.{part}")
        for part in ("over_sampling", "under_sampling", "combine")
    ]
    return {
        name.lower(): getattr(module, name)
        for module in modules
        for name in module.__all__
    }


def parse_grid(texts: list[str]) -> dict[str, list[Any]]:
    """Parse ``name=value,value``; a value is a Python literal, or else text.

    Parameters
    ----------
    texts : list of str
        One text per parameter.

    Returns
    -------
    dict of str to list
        Values of each parameter, under its name.

    Raises
    ------
    SearchError
        If there is no ``=``, if a name occurs twice, or if a value is missing.

    Examples
    --------
    >>> parse_grid(["dropout=0,0.25", "activation=relu,tanh", "width=(8,4),None"])
    {'dropout': [0, 0.25], 'activation': ['relu', 'tanh'], 'width': [(8, 4), None]}
    """
    grid: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        parts = _split_at_commas(values)
        if not name or not equals or not all(parts):
            raise SearchError(
                f'--grid {text!r} must read "NAME=VALUE,VALUE", such as '
                '"dropout=0,0.25".'
            )
        if name in grid:
            raise SearchError(
                f"--grid names {name} twice: give all its values in one --grid."
            )
        grid[name] = [_literal(part) for part in parts]
    return grid


def _split_at_commas(text: str) -> list[str]:
    """Split at commas outside of brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _with_steps(grid: dict[str, list[Any]], pipeline: Pipeline) -> dict[str, list[Any]]:
    """Put the name of the step before each parameter; refuse unknown parameters."""
    step, network = pipeline.steps[-1]
    own = list(network.get_params(deep=False))
    of_steps = [name for name in pipeline.get_params() if "__" in name]
    full = {}
    for name, values in grid.items():
        if name not in own and name not in of_steps:
            near = nearest_names(name, [*own, *of_steps])
            hint = f"; did you mean {near[0]!r}?" if near else ", and no step has it."
            raise SearchError(
                f"--grid: {type(network).__name__} has no parameter {name!r}{hint}"
            )
        full[f"{step}__{name}" if name in own else name] = values
    return full


def _splits(
    options: argparse.Namespace, table: LabeledRows
) -> list[tuple[np.ndarray, np.ndarray]]:
    n_folds = options.folds or _FOLDS
    classes, counts = np.unique(table.y, return_counts=True)
    if counts.min() < n_folds:
        raise SearchError(
            f"{n_folds} folds need at least {n_folds} rows of each class, but class "
            f"{classes[counts.argmin()]!s} has {counts.min()}: lower --folds, or merge "
            "classes with --positive."
        )
    if table.groups is None:
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=options.seed)
        return list(folds.split(table.X, table.y))
    n_groups = len(np.unique(table.groups))
    if n_groups < n_folds:
        raise SearchError(
            f"{n_folds} folds need at least {n_folds} groups, but there are only "
            f"{n_groups}: lower --folds."
        )
    grouped = StratifiedGroupKFold(n_folds, shuffle=True, random_state=options.seed)
    return list(grouped.split(table.X, table.y, table.groups))
