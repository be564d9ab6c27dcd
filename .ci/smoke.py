"""Train, diagnose, report and pickle with an installed skloss: does it work at all."""

import pickle
import platform
import tempfile
from pathlib import Path

import numpy as np
from imblearn.over_sampling import SMOTE
from sklearn.preprocessing import StandardScaler

import skloss
from skloss.datasets import make_rare_events

X, y = make_rare_events(400, random_state=0)
dense = skloss.DenseClassifier(epochs=3, random_state=0).fit(X, y)
steps = [
    ("scale", StandardScaler()),
    ("smote", SMOTE(random_state=0)),
    ("dense", skloss.DenseClassifier(epochs=3, random_state=0)),
]
for classifier in (dense, skloss.Pipeline(steps).fit(X, y)):
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))
    diagnosis = skloss.diagnose(classifier, X, y)
    if not diagnosis.to_text():
        raise SystemExit("the diagnosis has no text")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        skloss.report(classifier, X, y, path=page)
        if "</html>" not in page.read_text(encoding="utf-8"):
            raise SystemExit("the report is no page")
print(f"skloss {skloss.__version__} works with Python {platform.python_version()}")
