"""
The test loss won't go down
===========================

**Asked** (`datascience 88488
<https://datascience.stackexchange.com/questions/88488>`_): customers are honest or not,
each a series of electricity readings. The training rows are balanced by SMOTE, the
validation rows are left as they are. The training loss falls, the validation loss does
not follow. A smaller network and a lower learning rate did not help.

Here is the same network on made-up readings of the same shape, with fewer customers and
days, so that this page is built in seconds. The theft is invented: look at how the
curves behave, not at how good the scores are.
"""

# %%
# What was run
# ------------
#
# The output has a sigmoid, and the loss expects logits (Keras warns of it once; the
# filter keeps that off this page). F1 is a mean over batches, as functions copied from
# the web compute it.

import warnings

import keras
import matplotlib.pyplot as plt
import numpy as np
from imblearn.over_sampling import SMOTE
from keras import layers, ops, regularizers
from sklearn.model_selection import train_test_split

from skloss import CNN1DClassifier, Pipeline, diagnose
from skloss.datasets import make_consumption
from skloss.displays import LossCurveDisplay, MetricCurveDisplay

warnings.filterwarnings("ignore", message=".*received `from_logits=True`")

X, y = make_consumption(1500, 100, theft_rate=0.05, random_state=0)
seen = (X > 0).mean(axis=1) > 0.2  # the others were hardly ever read
X, y = np.log1p(X[seen]).astype("float32"), y[seen]
X_train, X_val, y_train, y_val = train_test_split(
    X, y, test_size=0.4, stratify=y, random_state=0
)
X_smote, y_smote = SMOTE(random_state=0).fit_resample(X_train, y_train)
y_smote, y_val = y_smote[:, None].astype("float32"), y_val[:, None].astype("float32")


def f1_m(y_true, y_pred):
    """F1 of one batch."""
    found = ops.sum(ops.round(y_true * y_pred))
    precision = found / (ops.sum(ops.round(y_pred)) + 1e-7)
    recall = found / (ops.sum(ops.round(y_true)) + 1e-7)
    return 2 * precision * recall / (precision + recall + 1e-7)


def convolution(filters):
    return layers.Conv1D(
        filters,
        3,
        padding="same",
        activation="relu",
        activity_regularizer=regularizers.L2(5e-4),
    )


keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((100, 1)),
        convolution(32),
        convolution(16),
        layers.MaxPooling1D(),
        convolution(8),
        convolution(8),
        layers.MaxPooling1D(),
        layers.Flatten(),
        layers.Dense(10, activation="relu"),
        layers.Dropout(0.25),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=["accuracy", f1_m],
)
history = model.fit(
    X_smote, y_smote, validation_data=(X_val, y_val), epochs=12, verbose=0
)

# %%
# What skloss says
# ----------------
#
# Three causes, each with its numbers, and that this page trains for 12 epochs only.
# What was trained on is half thieves and what is validated on is not, so the network
# accuses far too many, and the two losses start from different constant guesses. F1 is
# too low, since a batch without a thief counts as 0. And the sigmoid acts once by luck:
# Keras on TensorFlow takes the logits from behind it.

diagnosis = diagnose(
    model,
    X_smote,
    y_smote,
    history=history,
    X_val=X_val,
    y_val=y_val,
    fit_params={"epochs": 12, "batch_size": 32},
)
print(diagnosis)

# %%
# What changes
# ------------
#
# The same layers, regularizer and learning rate, in a pipeline that holds validation
# rows out before SMOTE and measures both losses on original rows, in the same way, at
# the end of each epoch. There is no sigmoid to double, metrics are counted over all
# rows, and the best epoch is the one with the best MCC.

pipeline = Pipeline(
    [
        ("smote", SMOTE(random_state=0)),
        (
            "cnn",
            CNN1DClassifier(
                filters=((32, 16), (8, 8)),
                kernel_size=3,
                pool_size=2,
                head=(10,),
                dropout=0.25,
                activity_l2=5e-4,
                scale_series=None,
                batch_norm=False,
                learning_rate=1e-3,
                learning_rate_schedule="constant",
                validation_fraction=0.4,
                monitor="val_mcc",
                epochs=12,
                random_state=0,
            ),
        ),
    ]
)
pipeline.fit(X, y)
print(diagnose(pipeline, X, y))

# %%
# The curves before and after
# ---------------------------
#
# Left, the question's: a running mean over balanced, partly synthetic rows with
# dropout, beside original rows without. Right, training and validation on original
# rows, and the validation loss does go down, if hardly below that of a constant guess.
# The dotted curve weighs the validation rows as the training rows were: it is the one
# to compare with a loss on balanced rows, and it tells by how much the network does
# worse on customers that it has not seen.

figure, (before, after) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
figure.suptitle("Before (left) and after (right)")
LossCurveDisplay.from_history(history, ax=before)
LossCurveDisplay.from_estimator(pipeline, ax=after)

# %%
# MCC and F1 from exact counts over all rows, with the chance that few thieves leave:

MetricCurveDisplay.from_estimator(pipeline)
