"""Estimators of scikit-learn, scikeras and skloss in the code, as they are called."""

from typing import Any

from skloss.readers.code.values import UNKNOWN, Made, Model
from skloss.record.find import FIT_ONCE

__all__ = [
    "CROSS_VALIDATIONS",
    "ESTIMATORS",
    "IN_FOLDS",
    "PIPELINES",
    "SEARCHES",
    "cross_validated",
    "fixed_by_search",
    "piped",
    "wrapped",
]

ESTIMATORS = (
    "MLPClassifier",
    "KerasClassifier",
    "DenseClassifier",
    "CNN1DClassifier",
    "CNN2DClassifier",
    "RecurrentClassifier",
)
SEARCHES = (
    "GridSearchCV",
    "RandomizedSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "OptunaSearchCV",
    "BayesSearchCV",
    "CalibratedClassifierCV",
    "FixedThresholdClassifier",
    "OutOfBagThresholdClassifier",
    "TunedThresholdClassifierCV",
)
CROSS_VALIDATIONS = ("cross_val_score", "cross_validate", "cross_val_predict")
PIPELINES = ("Pipeline", "make_pipeline")
IN_FOLDS = "fit in folds"
_GRIDS = ("param_grid", "param_distributions", "search_spaces")
_OF_COMPILE = ("loss", "optimizer", "metrics")
_OF_FIT = ("epochs", "batch_size", "class_weight", "validation_split", "callbacks")


def piped(name: str, args: list[Any], options: dict[str, Any], line: int) -> Any:
    """Return the network at the end of a pipeline, with the steps before it."""
    given = (
        options.get("steps", args[0] if args else []) if name == "Pipeline" else args
    )
    steps = [
        one[1] if isinstance(one, list | tuple) and len(one) == 2 else one
        for one in (given if isinstance(given, list | tuple) else ())
    ]
    model = next((one for one in steps if isinstance(one, Model)), None)
    if model is None:
        return Made("Pipeline", args, options, line)
    model.steps = [one for one in steps if isinstance(one, Made)]
    return model


def wrapped(network: Model, options: dict[str, Any]) -> Model:
    """Return a network in a ``KerasClassifier``, with what that one was given."""
    network.kind = "scikeras"
    network.settings |= options
    if network.compiled is None:
        given = {k: v for k, v in options.items() if k in _OF_COMPILE}
        rate = options.get("optimizer__learning_rate", options.get("optimizer__lr"))
        if rate is not None and isinstance(given.get("optimizer", "rmsprop"), str):
            name = given.get("optimizer", "rmsprop")
            given["optimizer"] = Made(name, [], {"learning_rate": rate}, network.line)
        network.compiled = Made("compile", [], given, network.line)
    return network


def cross_validated(args: list[Any], options: dict[str, Any], line: int) -> None:
    """Note the rows that a network is fitted on in folds."""
    model = options.get("estimator", args[0] if args else None)
    if isinstance(model, Model):
        rows = {name: given for name, given in options.items() if name in ("X", "y")}
        model.fits.append(Made(IN_FOLDS, args[1:3], rows, line))


def fixed_by_search(
    name: str, model: Model, args: list[Any], options: dict[str, Any]
) -> Model:
    """Return the network of a search; what is searched over is not known of it."""
    model.has_folds = name not in FIT_ONCE
    grid = next((options[name] for name in _GRIDS if name in options), None)
    grid = args[1] if grid is None and len(args) > 1 else grid
    for one in grid if isinstance(grid, list) else [grid]:
        for key in one if isinstance(one, dict) else ():
            _forget(model, str(key))
    model.is_searched = True
    return model


def _forget(model: Model, key: str) -> None:
    """Take a setting that a search varies as not known."""
    names = [name for name in key.split("__") if name]
    name = next((n for n in names if n in (*_OF_FIT, *_OF_COMPILE)), None)
    compiled = model.compiled
    if name in _OF_COMPILE and compiled is not None:
        compiled.options[name] = UNKNOWN
    if name is not None:
        model.settings[name] = UNKNOWN
    elif model.kind == "scikeras":
        model.layers = []  # an argument of the function that stacks them
    if model.kind != "scikeras" and compiled is not None and names:
        compiled.options[names[-1]] = UNKNOWN
