"""
Start with one hidden layer
===========================

**Answered** (`stats 351976 <https://stats.stackexchange.com/a/351976>`_) to the
question of the page before: eleven linear layers are one linear map, only 5.4% of the
paths survive the dropout. Start with one hidden layer of twice as many units as there
are columns, no dropout, and compare.

That network is ``DenseClassifier(width=None)``.
"""

# %%
# Both networks, on the same folds
# --------------------------------

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.preprocessing import QuantileTransformer

from skloss import DenseClassifier, diagnose, make_pipeline
from skloss.datasets import make_drift_table
from skloss.displays import LossCurveDisplay

X, y = make_drift_table(20_000, random_state=0)
asked = DenseClassifier(
    width=7,
    depth=11,
    activation="linear",
    dropout=(0.5, *[0.2] * 10),
    batch_size=128,
    epochs=15,
    random_state=0,
)
network = DenseClassifier(width=None, batch_size=128, epochs=15, random_state=0)
scaler = QuantileTransformer(output_distribution="normal", random_state=0)
answered = make_pipeline(scaler, network)
weighted = make_pipeline(scaler, clone(network).set_params(class_weight="balanced"))
compared = {"asked": asked, "answered": answered, "and weighted": weighted}
scoring = ["average_precision", "roc_auc", "matthews_corrcoef", "f1"]
folds = StratifiedKFold(3, shuffle=True, random_state=0)
scores = {
    name: cross_validate(classifier, X, y, cv=folds, scoring=scoring)
    for name, classifier in compared.items()
}
print(
    pd.DataFrame(
        {n: {c: s[f"test_{c}"].mean() for c in scoring} for n, s in scores.items()}
    ).round(3)
)

# %%
# The curves before and after
# ---------------------------

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
figure.suptitle("As asked (left) and as answered (right)")
LossCurveDisplay.from_estimator(asked.fit(X, y), ax=axes[0])
LossCurveDisplay.from_estimator(answered.fit(X, y), ax=axes[1])

# %%
# What skloss says of the second and the third
# --------------------------------------------
#
# The columns of this made-up table tell little, so that hardly a probability reaches
# one half: the network ranks, and weights (or a tuned threshold) let it find positives.

print(diagnose(answered, X, y))
print(diagnose(weighted.fit(X, y), X, y))
