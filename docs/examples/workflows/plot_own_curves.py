"""
Bring your own curves
=====================

No network, no rows, only what a training has printed or logged: a dict of lists, a
``History``, a DataFrame, a CSVLogger file, or Keras' own output pasted into a file.
Names are understood as people write them. What cannot be known from curves is not
assessed.
"""

# %%
# Lists
# -----

import numpy as np

from skloss import diagnose
from skloss.displays import LossCurveDisplay

epochs = np.arange(1, 41)
curves = {
    "loss": 0.6 * np.exp(-epochs / 10) + 0.01,
    "val_loss": 0.6 * np.exp(-epochs / 6) + 0.2 + 0.012 * epochs,
    "acc": 1 - 0.4 * np.exp(-epochs / 10),
    "val_accuracy": 0.88 - 0.3 * np.exp(-epochs / 4),
}
print(diagnose(curves))

# %%
# A remark, not an alarm: the validation loss rises, the validation accuracy does not
# fall. Probabilities that grow too sure of themselves do that while predictions stay as
# they are; whether they do could be seen with the network and rows.

LossCurveDisplay.from_history(curves)

# %%
# A log
# -----
#
# As Keras prints it, with its progress bars or without. In a terminal the same is
# ``skloss diagnose log.txt``, with exit status 1 if there is an alarm.

from pathlib import Path
from tempfile import TemporaryDirectory

log = """\
Epoch 1/4
875/875 - 2s - loss: 0.2641 - recall: 0.0081 - val_loss: 0.2012 - val_recall: 0.0000
Epoch 2/4
875/875 - 1s - loss: 0.2019 - recall: 0.0000 - val_loss: 0.1993 - val_recall: 0.0000
Epoch 3/4
875/875 - 1s - loss: nan - recall: 0.0000 - val_loss: nan - val_recall: 0.0000
Epoch 4/4
875/875 - 1s - loss: nan - recall: 0.0000 - val_loss: nan - val_recall: 0.0000
"""
with TemporaryDirectory() as folder:
    file = Path(folder, "log.txt")
    file.write_text(log)
    diagnosis = diagnose(file)
print(diagnosis)

# %%
# For scripts
# -----------
#
# Findings are data. ``diagnosis.raise_for_errors()`` stops a script, and
# ``diagnosis.to_json()`` is for other programs.

for finding in diagnosis.findings:
    print(finding.severity, finding.name, finding.epoch)
    for name, (value, unit) in finding.evidence.items():
        print(f"    {name}: {value} {unit}")
