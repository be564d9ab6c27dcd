"""The rules, a module per family.

The order of the list is the order of causes: what stands earlier explains what stands
later, and of two causes the more harmful one stands first.
"""

from skloss.diagnosis.rules import (  # noqa: F401, I001 - imported in causal order
    input_encoding,
    input_columns,
    row_content,
    validation_split,
    validation_shift,
    holdout_size,
    hidden_layers,
    linearity,
    output_activation,
    output_units,
    metric_choice,
    loss_and_weights,
    batch_size,
    learning_rates,
    gradients,
    convergence,
    predicted_classes,
    performance_limits,
    generalization,
    curve_comparison,
    search_outcome,
)
