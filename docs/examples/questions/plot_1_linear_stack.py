"""
Is the network overfitting after the first epoch?
=================================================

**Asked** (`stats 307784 <https://stats.stackexchange.com/questions/307784>`_): nine
columns, 5.6 million rows, about one positive in twenty by the question. Eleven linear
layers of seven units with dropout after each. The validation loss lies above the
training loss, and the validation accuracy is 96 %. Fifty epochs were printed, and
nothing else of the run is left.
"""

# %%
# What skloss says of the printed curves
# --------------------------------------

from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from keras import layers
from sklearn.preprocessing import QuantileTransformer

from skloss import DenseClassifier, diagnose, make_pipeline
from skloss.datasets import make_drift_table
from skloss.displays import LossCurveDisplay, MetricCurveDisplay

printed = pd.read_csv(Path("linear_stack_history.csv"))
print(diagnose(printed))

# %%
# No over-fitting, then. The two curves lie at different heights since the rows cut off
# the end have another share of positives, and both are where a constant guess would be:
# nothing was learned, so nothing can be overfitted.

display = LossCurveDisplay.from_history(printed)
display.figure_.suptitle("The fifty epochs that were printed")

# %%
# With the network
# ----------------
#
# The network and what was given to ``compile`` and ``fit`` are read without training
# anything. The causes come first now, and the collapse is one of their symptoms.

model = keras.Sequential([keras.Input((9,))])
for rate in (0.5, *[0.2] * 10):
    model.add(layers.Dense(7, activation="linear"))
    model.add(layers.Dropout(rate))
model.add(layers.Dense(1, activation="sigmoid"))
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
fit_params = {"epochs": 50, "batch_size": 128, "class_weight": np.array([0.51, 20.0])}
print(diagnose(model, history=printed, fit_params=fit_params))

# %%
# What changes
# ------------
#
# The answer is one hidden layer of twice as many units as columns and no dropout, which
# is :class:`skloss.DenseClassifier` with ``width=None``. Rows are held out at random,
# columns are scaled, and the class weights act. The next page compares step by step;
# here are the curves before and after, on a made-up table of that shape: tiny columns
# that tell little, and a share of positives that rises towards the end.

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
changed = make_pipeline(
    QuantileTransformer(output_distribution="normal", random_state=0),
    DenseClassifier(
        width=None,
        class_weight="balanced",
        validation_fraction=0.2,
        batch_size=128,
        epochs=10,
        random_state=0,
    ),
)
changed.fit(X, y)

# %%
# The curves before and after
# ---------------------------

figure, (before, after) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
figure.suptitle("Losses as asked (left) and changed (right)")
LossCurveDisplay.from_estimator(stack, ax=before)
LossCurveDisplay.from_estimator(changed, ax=after)

# %%
# On the left is the gap of the question, and the dotted curve that closes it: weigh the
# validation rows as the training rows are, and nothing is left of it. On the right the
# class weights make the probabilities those of balanced classes, hence a loss on
# original rows above that of a constant guess; what they buy stands below.

figure, (before, after) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
figure.suptitle("Metrics as asked (left) and changed (right)")
MetricCurveDisplay.from_estimator(stack, ax=before)
MetricCurveDisplay.from_estimator(changed, ax=after)
print(diagnose(changed, X, y))
