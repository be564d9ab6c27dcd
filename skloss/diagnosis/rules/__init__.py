"""The rules, a module per family, causes before symptoms, the more harmful first."""

from skloss.diagnosis.rules import (  # noqa: F401, I001 - imported in causal order
    data,
    holdout,
    network,
    linearity,
    head,
    metrics,
    configuration,
    batches,
    learning_rates,
    gradients,
    convergence,
    predictions,
    limits,
    generalization,
    curves,
    search,
)
