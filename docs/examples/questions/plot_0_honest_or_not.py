"""
The test loss won't go down
===========================

**Asked** (`datascience 88488 <https://datascience.stackexchange.com/questions/88488>`_):
customers are honest or not, each a series of electricity readings. The training rows are
balanced by SMOTE, the validation rows are left as they are. The training loss falls, the
validation loss does not follow. A smaller network and a lower learning rate did not help.

Here is the same network on readings that are made up in the shape of the real ones: fewer
customers and days, so that this page is built in seconds.
"""

# %%
# What was run
# ------------
#
# The output has a sigmoid, and the loss expects logits; F1 is averaged over batches, as
# functions copied from the web do.

import keras
import numpy as np
from imblearn.over_sampling import SMOTE
from keras import layers, ops, regularizers
from sklearn.model_selection import train_test_split

from skloss import CNN1DClassifier, Pipeline, diagnose
from skloss.datasets import make_consumption
from skloss.displays import LossCurveDisplay, MetricCurveDisplay

X, y = make_consumption(800, 140, theft_rate=0.12, random_state=0)
seen = (X > 0).mean(axis=1) > 0.2  # the others were hardly ever read
X, y = np.log1p(X[seen]).astype("float32"), y[seen]
X_train, X_val, y_train, y_val = train_test_split(X, y, stratify=y, random_state=0)
X_smote, y_smote = SMOTE(random_state=0).fit_resample(X_train, y_train)
y_smote, y_val = y_smote[:, None], y_val[:, None]


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
        keras.Input((140, 1)),
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
    X_smote,
    y_smote.astype("float32"),
    validation_data=(X_val, y_val.astype("float32")),
    epochs=20,
    verbose=0,
)

# %%
# What skloss says
# ----------------

diagnosis = diagnose(
    model,
    X_smote,
    y_smote,
    history=history,
    X_val=X_val,
    y_val=y_val,
    fit_params={"epochs": 20, "batch_size": 32},
)
print(diagnosis)

# %%
# What changes
# ------------
#
# The same layers and the same regularizer, in a pipeline that holds validation rows out
# before SMOTE and measures both losses on natural rows, in the same way. The validation
# loss *at the training prior* is the curve that can be compared with a loss trained on
# balanced rows.

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
                epochs=20,
                random_state=0,
            ),
        ),
    ]
)
pipeline.fit(X, y)

# %%
# The curves before
# -----------------

LossCurveDisplay.from_history(history)

# %%
# The curves after
# ----------------

LossCurveDisplay.from_estimator(pipeline)

# %%
# MCC and F1 over whole epochs, from exact counts:

MetricCurveDisplay.from_estimator(pipeline)
print(diagnose(pipeline, X, y))
