"""
Heartbeats: whole patients are held out
=======================================

Beats of one patient resemble each other, so that a split of beats makes every score too
good. ``groups`` keeps patients together: in the folds, and in the rows that are held
out for the curves.
"""

# %%
# Of 4,400 beats of 22 patients, 329 are ventricular, and most of these are of six
# patients. Each beat is scaled by itself, since the amplitude is the patient's.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from sklearn.metrics import f1_score, matthews_corrcoef
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

from skloss import CNN1DClassifier, Pipeline, SeriesScaler, diagnose
from skloss.datasets import load_heartbeats
from skloss.displays import LossCurveDisplay, MetricCurveDisplay, ThresholdDisplay

beats = load_heartbeats()
X, y, patients = beats.data, beats.target, beats.groups


def pipeline():
    cnn = CNN1DClassifier(
        filters=(16, 16), validation_fraction=0.3, epochs=12, random_state=0
    )
    return Pipeline(
        [
            ("scale", SeriesScaler()),
            ("smote", SMOTE(random_state=0)),
            ("cnn", cnn),
        ]
    )


# %%
# Beats at random, or whole patients
# ----------------------------------
#
# Validation rows are original in both; SMOTE has seen none of them.

train, test = next(ShuffleSplit(1, test_size=0.3, random_state=1).split(X))
by_beat = pipeline().fit(X[train], y[train])
predicted = {"beats at random": (by_beat, y[test], by_beat.predict(X[test]))}

split = GroupShuffleSplit(1, test_size=0.3, random_state=1)
train, test = next(split.split(X, y, patients))
by_patient = pipeline().fit(X[train], y[train], cnn__groups=patients[train])
predicted["whole patients"] = (by_patient, y[test], by_patient.predict(X[test]))

scores = {
    name: {
        "validation MCC": fitted[-1].history_["val_mcc"][-1],
        "test MCC": matthews_corrcoef(truth, said),
        "test F1": f1_score(truth, said),
    }
    for name, (fitted, truth, said) in predicted.items()
}
print(pd.DataFrame(scores).T.round(2))

# %%
# The same network. The first line is how well it knows its patients, the second how it
# does on new ones, which is what it is for.
#
# The curves
# ----------

figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
figure.suptitle("Beats at random (left) and whole patients (right)")
LossCurveDisplay.from_estimator(by_beat, ax=axes[0])
LossCurveDisplay.from_estimator(by_patient, ax=axes[1])

# %%

figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
figure.suptitle("Beats at random (left) and whole patients (right)")
MetricCurveDisplay.from_estimator(by_beat, ax=axes[0])
MetricCurveDisplay.from_estimator(by_patient, ax=axes[1])

# %%
# What skloss says
# ----------------

print(diagnose(by_patient, X[train], y[train]))

# %%
# What remains is the number of patients: values over so few are rough, in validation
# and in the test alike.

_, held_out = by_patient[-1].split_validation(X[train], y[train], patients[train])
print(f"{np.unique(patients[train][held_out]).size} patients held out")
print(f"{np.unique(patients[test]).size} patients tested on")

# %%
# A threshold is chosen on rows held out, never on those trained on. On the test
# patients, this is what each one would give:

ThresholdDisplay.from_estimator(by_patient, X[test], y[test])
