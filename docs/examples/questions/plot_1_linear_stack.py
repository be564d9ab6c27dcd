"""
Is the network overfitting after the first epoch?
=================================================

**Asked** (`stats 307784 <https://stats.stackexchange.com/questions/307784>`_): nine
columns, 5.6 million rows, one positive in twenty or fewer. Eleven linear layers of
seven units with dropout after each. The validation loss lies above the training loss
from the second epoch on and the validation accuracy is 96 %. Fifty epochs were printed,
and nothing else of the run is left.
"""

# %%
# What skloss says of the printed curves
# --------------------------------------

from pathlib import Path

import pandas as pd

from skloss import DenseClassifier, diagnose
from skloss.datasets import make_drift_table
from skloss.displays import LossCurveDisplay, MetricCurveDisplay

printed = pd.read_csv(Path("linear_stack_history.csv"))
diagnosis = diagnose(printed)
print(diagnosis)

# %%
# The two curves lie at different heights since the rows cut off the end have another
# share of positives. Both are where a constant guess would be: nothing was learned, so
# nothing can be overfitted.

LossCurveDisplay.from_history(printed)

# %%
# With the network
# ----------------
#
# The same network on a table of the same shape, made up: tiny columns, and a share of
# positives that rises towards the end. The causes come first now.

X, y = make_drift_table(20_000, random_state=0)
first, last = slice(None, 16_000), slice(16_000, None)
stack = DenseClassifier(
    width=7,
    depth=11,
    activation="linear",
    dropout=(0.5, *[0.2] * 10),
    batch_size=128,
    epochs=10,
    random_state=0,
)
stack.fit(X[first], y[first], X_val=X[last], y_val=y[last])
print(diagnose(stack, X[first], y[first], X_val=X[last], y_val=y[last]))

# %%
# What changes
# ------------
#
# One hidden layer of twice as many units as columns, no dropout, scaled columns, rows
# held out at random: that is the default of :class:`skloss.DenseClassifier` behind a
# scaler. The next page compares them.

MetricCurveDisplay.from_estimator(stack)
