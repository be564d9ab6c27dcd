"""
A grid search scored by MCC and F1
==================================

Dropout, width and activation, with SMOTE inside the folds, and no accuracy: on rare
events a network that finds nothing has the best of them. One program is compiled for
each shape of network and serves all folds and candidates.
"""

# %%

import pandas as pd
from imblearn.over_sampling import SMOTE
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skloss import DenseClassifier, Pipeline, diagnose
from skloss.datasets import make_rare_events
from skloss.displays import FoldCurvesDisplay, SearchDisplay

X, y = make_rare_events(3_000, random_state=0)
pipeline = Pipeline(
    [
        ("smote", SMOTE(random_state=0)),
        ("dense", DenseClassifier(epochs=20, random_state=0)),
    ]
)
search = GridSearchCV(
    pipeline,
    {
        "dense__dropout": [0.0, 0.25],
        "dense__width": [16, 64],
        "dense__activation": ["relu", "tanh"],
    },
    scoring={"mcc": "matthews_corrcoef", "f1": "f1"},
    refit="mcc",
    cv=StratifiedKFold(3, shuffle=True, random_state=0),
)
search.fit(X, y)

table = pd.DataFrame(search.cv_results_)
shown = [c for c in table if c.startswith("param_")]
shown += ["mean_test_mcc", "std_test_mcc", "mean_test_f1"]
table = table.sort_values("rank_test_mcc")[shown]
print(table.rename(columns=lambda name: name.split("__")[-1]).to_string(index=False))

# %%
# What each parameter does, over all values of the others:

SearchDisplay.from_search(search)

# %%
# The winner, trained again on each fold. Its validation rows were held out before
# SMOTE:

FoldCurvesDisplay.from_search(search, X, y)

# %%
# What only the search can show, such as a best value at the edge of the grid, is part
# of its diagnosis.

print(diagnose(search, X, y))
