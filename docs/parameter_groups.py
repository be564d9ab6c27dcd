"""Show the parameters of an estimator under headings on its API page.

The docstring stays a plain list, as an editor shows it. Before numpydoc reads it, the
"Parameters" section is replaced by one definition list per group.
"""

import re
from collections.abc import Iterator
from typing import Any

from sphinx.util import logging

_GROUPS = {
    "Network": (
        "model build_fn architecture front_end width depth categorical_features cell "
        "bidirectional pooling missing scale_columns activation dropout filters "
        "kernel_size pool_size strides head global_pooling "
        "padding residual spatial_dropout n_channels image_shape channels_first "
        "scale_series batch_norm l1 l2 activity_l2 **kwargs"
    ),
    "Loss and optimizer": (
        "loss focal_gamma focal_alpha logit_tau label_smoothing optimizer "
        "learning_rate learning_rate_schedule momentum nesterov weight_decay clipnorm "
        "metrics"
    ),
    "Training": (
        "epochs batch_size balanced_batches sampler augment shuffle "
        "class_weight "
        "effective_beta prior_correction calibration refit n_members random_state "
        "warm_start verbose callbacks run_eagerly"
    ),
    "Hold-out, curves and early stopping": (
        "validation_fraction validation_rows validation_split validation_batch_size "
        "pos_label "
        "scoring return_train_score early_stopping monitor patience restore_best"
    ),
}
_GROUPED = {
    "DenseClassifier",
    "CNN1DClassifier",
    "CNN2DClassifier",
    "RecurrentClassifier",
    "KerasClassifier",
}
_GROUP_OF = {name: group for group, names in _GROUPS.items() for name in names.split()}
_BEFORE_NUMPYDOC = 400  # which has Sphinx's default of 500


def setup(app: Any) -> dict[str, bool]:
    """Group the parameters before numpydoc reads the docstring."""
    app.connect("autodoc-process-docstring", _group, priority=_BEFORE_NUMPYDOC)
    return {"parallel_read_safe": True}


def _group(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    if what != "class" or name.rpartition(".")[2] not in _GROUPED:
        return
    start = lines.index("Parameters")
    end = next(
        place
        for place in range(start + 2, len(lines) - 1)
        if re.fullmatch("-{3,}", lines[place + 1])
    )
    lines[start:end] = _grouped(list(_parameters(lines[start + 2 : end])))


def _parameters(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Split the section into parameters: the head, and the lines of its text."""
    starts = [place for place, line in enumerate(lines) if re.match(r"\S", line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start], lines[start + 1 : end]


def _grouped(parameters: list[tuple[str, list[str]]]) -> Iterator[str]:
    by_group: dict[str, list[str]] = {group: [] for group in _GROUPS}
    for head, text in parameters:
        names, _, kind = head.partition(" : ")
        first = names.split(",")[0].strip()
        if first not in _GROUP_OF:
            logging.getLogger(__name__).warning("parameter %s has no group", first)
            continue
        shown = names.replace("*", r"\*")
        by_group[_GROUP_OF[first]] += [f"**{shown}** : {kind}", *text]
    for group, lines in by_group.items():
        yield from (f".. rubric:: {group}", "", *lines, "")
