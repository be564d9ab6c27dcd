"""
Bring your own Keras network
============================

``KerasClassifier`` takes a function that returns a network. Its arguments are
parameters of the classifier, so that a search can tune them. Rows are held out before
SMOTE, curves are exact, and the diagnosis reads the network itself.
"""

# %%
# A recurrent network
# -------------------
#
# A bidirectional LSTM over heartbeats, five readings a step. ``meta`` has what is known
# of the data. Patients stay together, in the rows that are held out too.

import keras
import matplotlib.pyplot as plt
from imblearn.over_sampling import SMOTE
from keras import layers
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import GroupShuffleSplit

from skloss import KerasClassifier, Pipeline, diagnose
from skloss.datasets import load_heartbeats
from skloss.displays import LossCurveDisplay, MetricCurveDisplay

beats = load_heartbeats()
X, y, patients = beats.data, beats.target, beats.groups
split = GroupShuffleSplit(1, test_size=0.3, random_state=1)
train, test = next(split.split(X, y, patients))


def recurrent(meta, units=8):
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            layers.LayerNormalization(),  # each beat on its own scale
            layers.Reshape((-1, 5)),
            layers.Bidirectional(layers.LSTM(units)),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


pipeline = Pipeline(
    [
        ("smote", SMOTE(random_state=0)),
        (
            "lstm",
            KerasClassifier(
                recurrent,
                units=8,
                loss="binary_crossentropy",
                optimizer="adam",
                optimizer__learning_rate=3e-3,
                epochs=10,
                early_stopping=True,
                monitor="val_mcc",
                batch_size=64,
                validation_fraction=0.3,
                random_state=0,
            ),
        ),
    ]
)
pipeline.fit(X[train], y[train], lstm__groups=patients[train])

found = matthews_corrcoef(y[test], pipeline.predict(X[test]))
print(f"MCC on patients never seen: {found:.2f}")

# %%
# Both curves are measured at the end of each epoch, on original rows:

figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
figure.suptitle("Losses (left) and metrics (right) of the recurrent network")
LossCurveDisplay.from_estimator(pipeline, ax=axes[0])
MetricCurveDisplay.from_estimator(pipeline, ax=axes[1])

# %%

print(diagnose(pipeline, X[train], y[train]))

# %%
# Two branches
# ------------
#
# A functional model: waves of a beat wherever they are, and its readings where they
# are. What trains it, and why, is in the record.


def two_branches(meta, units=16):
    beat = keras.Input((meta["n_features_in_"],))
    series = layers.Reshape((-1, 1))(beat)
    waves = layers.Conv1D(units, 9, activation="relu")(series)
    waves = layers.GlobalMaxPooling1D()(waves)
    readings = layers.Dense(units, activation="relu")(beat)
    both = layers.Concatenate()([waves, readings])
    return keras.Model(beat, layers.Dense(1, activation="sigmoid")(both))


def trained(network):
    classifier = KerasClassifier(
        network,
        loss="binary_crossentropy",
        optimizer="adam",
        epochs=5,
        validation_fraction=0.3,
        random_state=0,
    )
    classifier.fit(X[train], y[train], groups=patients[train])
    outcome = classifier.record_.outcome
    print(f"trained by: {outcome['program']}")
    return outcome["program_reason"]


print(trained(two_branches))

# %%
# A network that the engine knows
# -------------------------------
#
# Dense and convolutional networks, layer upon layer, are trained by skloss' own engine,
# many times faster, to the weights that Keras would have found.


def dense(meta, units=32):
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            layers.Dense(units, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


_ = trained(dense)
