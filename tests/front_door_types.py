"""What a type checker knows of the public names; read by mypy, never run.

Each ``type: ignore`` is an error that mypy must report, since one that is not needed is
an error itself.
"""

from typing import TYPE_CHECKING, assert_type

import numpy as np

import skloss

if TYPE_CHECKING:
    X, y = np.zeros((9, 2)), np.zeros(9)
    dense = skloss.DenseClassifier(width=8, dropout=0.1)
    assert_type(dense, skloss.DenseClassifier)
    assert_type(dense.fit(X, y), skloss.DenseClassifier)
    assert_type(dense.predict_proba(X), np.ndarray)
    rows = skloss.streams.array_rows(X, y)
    assert_type(dense.fit(rows, X_val=rows), skloss.DenseClassifier)
    assert_type(dense.predict_proba(rows), np.ndarray)
    assert_type(dense.record_, skloss.TrainingRecord)
    assert_type(skloss.diagnose(dense), skloss.diagnosis.Diagnosis)
    assert_type(skloss.explain_gap(dense, X, y), skloss.diagnosis.LossGap)
    read = skloss.diagnose(code="train.py", history="log.txt")
    assert_type(read, skloss.diagnosis.Diagnosis)
    slower = skloss.ReduceLROnPlateau("val_loss", factor=0.5)
    skloss.DenseClassifier(learning_rate_schedule=slower, scoring=["roc_auc"])
    assert_type(skloss.save(dense, "model.safetensors"), None)
    assert_type(skloss.io.TRUSTED_TYPES, list[str])
    assert_type(dense.n_iter_, int)
    assert_type(dense.loss_curve_, list[float])
    assert_type(dense.record_.higher_is_better("loss"), bool | None)
    skloss.DenseClassifier(widht=8)  # type: ignore[call-arg]
    skloss.CNN1DClassifier(filter=8)  # type: ignore[call-arg]
    skloss.DenseClassifier(epochs="many")  # type: ignore[arg-type]
    skloss.diagnose(dense, z=y)  # type: ignore[call-arg]
