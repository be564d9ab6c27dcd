"""
Heartbeats: whole patients are held out
=======================================

Beats of one patient resemble each other, so that a split of beats makes every score too
good. ``groups`` keeps patients together: in the folds, and in the rows that are held out
for the curves.
"""

# %%

from imblearn.over_sampling import SMOTE
from sklearn.model_selection import GroupShuffleSplit

from skloss import CNN1DClassifier, Pipeline, diagnose
from skloss.datasets import load_heartbeats
from skloss.displays import LossCurveDisplay, MetricCurveDisplay

beats = load_heartbeats()
X, y, patients = beats.data, beats.target, beats.groups
split = GroupShuffleSplit(1, test_size=0.3, random_state=0)
train, test = next(split.split(X, y, patients))

pipeline = Pipeline(
    [
        ("smote", SMOTE(random_state=0)),
        ("cnn", CNN1DClassifier(filters=(16, 16), epochs=12, random_state=0)),
    ]
)
pipeline.fit(X[train], y[train], cnn__groups=patients[train])

# %%
# Validation rows are natural beats of patients who were not trained on; SMOTE has seen
# none of them.

record = pipeline[-1].record_
print(record.data["class_counts"])
LossCurveDisplay.from_estimator(pipeline)

# %%

MetricCurveDisplay.from_estimator(pipeline)

# %%
# Patients never seen before, and what the diagnosis says:

from sklearn.metrics import f1_score, matthews_corrcoef

predicted = pipeline.predict(X[test])
print(f"MCC {matthews_corrcoef(y[test], predicted):.2f}")
print(f"F1  {f1_score(y[test], predicted):.2f}")
print(diagnose(pipeline, X[train], y[train]))
