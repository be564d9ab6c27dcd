"""
Bring your own curves
=====================

No network, no rows, only what a training has printed or logged: a dict of lists, a
``History``, a DataFrame, a CSVLogger file, or Keras' own output pasted into a file.
Names are understood as people write them. What cannot be known from curves is not
assessed.
"""

# %%

import numpy as np

from skloss import diagnose
from skloss.displays import LossCurveDisplay

epochs = np.arange(1, 41)
curves = {
    "loss": 0.6 * np.exp(-epochs / 10) + 0.01,
    "ValLoss": 0.6 * np.exp(-epochs / 6) + 0.2 + 0.012 * epochs,
    "acc": 1 - 0.4 * np.exp(-epochs / 10),
    "val_accuracy": 0.88 - 0.3 * np.exp(-epochs / 4) - 0.001 * epochs,
}
diagnosis = diagnose(curves)
print(diagnosis)

# %%
# For scripts, findings are data:

for finding in diagnosis.findings:
    print(finding.severity, finding.name, dict(finding.evidence))

# %%

LossCurveDisplay.from_history(curves)
