"""Sick and healthy examples of what only a search shows."""

from typing import Any

from rule_examples.cases import sick

from skloss.diagnosis import Case


def chosen(place: int, **parts: Any) -> Case:
    """Return a case with one of five penalties chosen."""
    return sick(penalties={"chosen": place}, **parts)


SICK = {
    "search-by-accuracy": [
        sick(search={"scoring": "accuracy"}),
        sick(search={"scoring": "accuracy"}, train={"counts": (800, 200)}),
    ],
    "best-at-edge": [
        sick(search={"edges": {"width": {"value": 64, "side": "largest"}}}),
    ],
    "folds-disagree": [
        sick(search={"fold_scores": (0.70, 0.05, 0.66, 0.71, 0.68)}),
        sick(search={"fold_scores": (0.9, 0.1, 0.9), "fold_minority": 20}),
    ],
    "penalty-at-end": [
        chosen(0),
        chosen(4),
        chosen(4, holdout="left out"),
        chosen(4, holdout_groups="kept"),
    ],
}
HEALTHY = {
    "search-by-accuracy": [
        sick(search={"scoring": "f1"}),
        sick(search={"scoring": "accuracy"}, train={"counts": (799, 201)}),
    ],
    "best-at-edge": [
        sick(search={"edges": {"dropout": {"value": 0, "side": "smallest"}}}),
    ],
    "folds-disagree": [
        sick(search={"fold_scores": (0.70, 0.5, 0.66, 0.71, 0.68)}),
        sick(search={"fold_scores": (0.7, 0.0, 0.6), "fold_minority": 9}),
    ],
    "penalty-at-end": [chosen(1), chosen(3)],
}
