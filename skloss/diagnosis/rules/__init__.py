"""The rules, a module per family, causes before symptoms."""

from skloss.diagnosis.rules import (  # noqa: F401, I001 - imported in causal order
    data,
    holdout,
    network,
    linearity,
    head,
    configuration,
    metrics,
    batches,
    optimization,
    predictions,
    limits,
    generalization,
    curves,
    search,
)
