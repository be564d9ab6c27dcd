"""
Why isn't my network achieving better loss reduction?
=====================================================

**Asked** in a guide to plateaus: is it too little data, an imbalance, a network that is
too small or linear, or one that is too large? Each branch of the guide is a finding of
skloss, with its evidence and a fix; ``params`` of the fix go into ``set_params``, and the
next diagnosis says whether it helped.
"""

# %%
# Ten handwritten digits
# ----------------------

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skloss import DenseClassifier, diagnose
from skloss.datasets import make_rare_events
from skloss.displays import LossCurveDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, stratify=y, random_state=0
)


def alarms(classifier, X, y):
    """Names of findings above a remark."""
    classifier.fit(X, y)
    found = diagnose(classifier, X, y).findings
    return [f"{f.name}: {f.fix}" for f in found if f.severity != "info"] or "healthy"


# %%
# The network of the guide, with its dropout:

guide = DenseClassifier(width=(128, 64), dropout=(0.5, 0.3), epochs=30, random_state=0)
print(alarms(guide, X_train, y_train))
print(f"accuracy on test rows: {guide.score(X_test, y_test):.3f}")
after = LossCurveDisplay.from_estimator(guide)

# %%
# Too little capacity: linear activations, two units.

small = DenseClassifier(width=2, activation="linear", epochs=30, random_state=0)
print(alarms(small, X_train, y_train))

# %%
# Too much of it for too few rows: a wide network that learns noisy labels by heart. The
# dropout of the guide is the fix.

noisy = make_rare_events(500, prevalence=0.3, label_noise=0.3, random_state=0)
large = DenseClassifier(
    width=(256, 256), epochs=150, early_stopping=False, random_state=0
)
print(alarms(large, *noisy))
LossCurveDisplay.from_estimator(large)

# %%

large.set_params(early_stopping=True, dropout=0.5)
print(alarms(large, *noisy))

# %%
# An imbalance, and a network that calls everything common:

rare = make_rare_events(6_000, prevalence=0.03, separation=1.0, random_state=0)
blind = DenseClassifier(epochs=15, random_state=0)
print(alarms(blind, *rare))

# %%

print(alarms(blind.set_params(class_weight="balanced"), *rare))

# %%
# A learning rate at which the loss does not fall:

fast = DenseClassifier(
    width=(128, 64), optimizer="sgd", learning_rate=30.0, epochs=30, random_state=0
)
print(alarms(fast, X_train, y_train))
LossCurveDisplay.from_estimator(fast)
