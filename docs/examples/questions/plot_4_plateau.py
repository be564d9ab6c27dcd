"""
Why isn't my network achieving better loss reduction?
=====================================================

**Asked** in a guide to plateaus of the loss: are there too few rows, or too few of one
class? Is the network too small, or linear? Or is it too large for its rows? Each branch
of the guide is a finding of skloss with its evidence and a fix. Where the fix is a
change of parameters, ``finding.params`` goes into ``set_params``, and the next
diagnosis says whether it has helped.
"""

# %%
# The network of the guide
# ------------------------
#
# Two hidden layers of 128 and 64 units with their dropout, on ten handwritten digits.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skloss import DenseClassifier, diagnose
from skloss.datasets import make_rare_events
from skloss.displays import LossCurveDisplay, MetricCurveDisplay

digits, labels = load_digits(return_X_y=True)
digits = digits / 16


def examined(classifier, X, y):
    """Fit, print each alarm with its fix, and return the first one's parameters."""
    diagnosis = diagnose(classifier.fit(X, y), X, y)
    alarms = [finding for finding in diagnosis.findings if finding.is_alarm]
    for finding in alarms:
        print(f"{finding.severity}: {finding.name}\n  {finding.title}")
        print(f"  Fix: {finding.fix}")
    if not alarms:
        print("No fault found")
    print(f"validation MCC at the end: {classifier.history_['val_mcc'][-1]:.2f}")
    return dict(alarms[0].params) if alarms else {}


guide = DenseClassifier(width=(128, 64), dropout=(0.5, 0.3), epochs=30, random_state=0)
examined(guide, digits, labels)

# %%
# Nothing is wrong with it.
#
# Too few rows
# ------------
#
# Fewer digits, and each among 300 columns of noise: even a linear learner still gets
# better with every row. skloss says so in a remark, since the training itself is right.

noise = np.random.default_rng(0).normal(size=(800, 300))
noisy_digits = np.hstack([digits[:800], noise])
guide.fit(noisy_digits, labels[:800])
print(diagnose(guide, noisy_digits, labels[:800]).find("too-little-data").title)

# %%
# Too small
# ---------

small = DenseClassifier(width=2, epochs=30, random_state=0)
params = examined(small, digits, labels)
print(f"\nwith {params}:")
examined(small.set_params(**params), digits, labels)

# %%
# All linear
# ----------
#
# These rare events lie on both sides of the common ones, where no plane can part them.

rare = make_rare_events(4000, prevalence=0.1, random_state=0)
linear = DenseClassifier(
    width=(128, 64), activation="linear", epochs=30, random_state=0
)
params = examined(linear, *rare)
print(f"\nwith {params}:")
examined(linear.set_params(**params), *rare)

# %%
# Too large
# ---------
#
# Few rows, a fifth of the positives mislabeled, and a wide network that learns them by
# heart. Stopping early and dropout are the fix.

noisy = make_rare_events(800, prevalence=0.3, label_noise=0.2, random_state=0)
large = DenseClassifier(
    width=(256, 256), epochs=100, early_stopping=False, random_state=0
)
examined(large, *noisy)

figure, (before, after) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
figure.suptitle("Too large (left), with dropout and early stopping (right)")
LossCurveDisplay.from_estimator(large, ax=before)
params = {"early_stopping": True, "dropout": 0.5}
print(f"\nwith {params}:")
examined(large.set_params(**params), *noisy)
LossCurveDisplay.from_estimator(large, ax=after)

# %%
# Too few of one class
# --------------------
#
# Three rows in a hundred are positive, and hard to find: the network calls none so, and
# its accuracy is 97 %. Weights are the fix here; SMOTE in front, as the guide has it,
# is another one.

rare = make_rare_events(12_000, prevalence=0.03, separation=1.0, random_state=0)
blind = DenseClassifier(epochs=15, random_state=0)
params = examined(blind, *rare)

figure, (before, after) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
figure.suptitle("Without weights (left) and with (right)")
MetricCurveDisplay.from_estimator(blind, ax=before)
print(f"\nwith {params}:")
examined(blind.set_params(**params), *rare)
MetricCurveDisplay.from_estimator(blind, ax=after)

# %%
# Too fast
# --------
#
# Not in the guide, and a frequent cause of a loss that does not fall:

fast = DenseClassifier(
    width=(128, 64), optimizer="sgd", learning_rate=30.0, epochs=30, random_state=0
)
params = examined(fast, digits, labels)

figure, (before, after) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
figure.suptitle("Too fast (left) and with the usual rate (right)")
LossCurveDisplay.from_estimator(fast, ax=before)
print(f"\nwith {params}:")
examined(fast.set_params(**params), digits, labels)
LossCurveDisplay.from_estimator(fast, ax=after)
