"""``KerasClassifier``: any Keras network as a scikit-learn classifier."""

from skloss.estimators.keras.classifier import KerasClassifier

__all__ = ["KerasClassifier"]
