"""
A sampler in front of the split: a score that is fiction
========================================================

SMOTE makes rows between rows. Split afterwards, and rows made from validation rows are
trained on: the validation curve is splendid, and says nothing about new rows.
"""

# %%
# The same network, twice
# -----------------------
#
# Once SMOTE comes first and rows are split off what it made, as ``validation_split``
# does; once in ``skloss.Pipeline``, which holds rows out before SMOTE sees any.

import warnings

import matplotlib.pyplot as plt
from imblearn.over_sampling import SMOTE
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import train_test_split

from skloss import DenseClassifier, Pipeline, diagnose
from skloss.datasets import make_rare_events
from skloss.displays import MetricCurveDisplay

X, y = make_rare_events(12_000, prevalence=0.05, random_state=0)
X, X_new, y, y_new = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)  # new rows: what the network will meet in use


def network():
    return DenseClassifier(
        validation_fraction=0.3,
        epochs=30,
        batch_size=64,
        early_stopping=False,
        monitor="val_mcc",
        random_state=0,
    )


with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    resampled = SMOTE(random_state=0).fit_resample(X, y)
    split_after = network().fit(*resampled)
print(*(warning.message for warning in said), sep="\n")

# %%
# skloss has seen that these rows were made. The Pipeline has nothing to warn of:

split_before = Pipeline([("smote", SMOTE(random_state=0)), ("dense", network())])
split_before.fit(X, y)

# %%
# What the curves promise, and what comes true
# --------------------------------------------

fitted = {
    "validation, rows split off after SMOTE": split_after,
    "validation, held out before SMOTE": split_before,
}
figure, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
displays = MetricCurveDisplay.from_estimators(fitted, ax=ax)
pairs = zip(displays, fitted.values(), strict=True)
for place, (display, classifier) in enumerate(pairs):
    line = display.lines_["val_mcc"]
    promised = line.get_ydata()[-1]
    found = matthews_corrcoef(y_new, classifier.predict(X_new))
    ends = [30, 31 + place], [promised, found]
    ax.plot(*ends, "D:", color=line.get_color(), markersize=8, markevery=[1])
    print(f"{line.get_label()}: {promised:.2f}; on new rows: {found:.2f}")
ax.set(ylabel="MCC", ylim=(0, 1), xlim=(0.5, 33))
figure.suptitle("Promised by the validation rows (lines), found on new rows (diamonds)")

# %%
# The diagnosis names it:

print(diagnose(split_after, *resampled))
