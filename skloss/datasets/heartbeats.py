"""A part of the MIT-BIH Arrhythmia Database, shipped with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.utils import Bunch

_FILE = Path(__file__).parent / "data" / "heartbeats.npz"
_AAMI = np.array(["N", "S", "V", "F", "Q"])
_TARGET_NAMES = {"ventricular": np.array(["other", "V"]), "aami": _AAMI}
_UNITS_PER_MILLIVOLT = 200.0
_SAMPLING_RATE = 180.0
_R_PEAK = 49

_DESCR = """\
Heartbeats of 22 patients: a slice of the MIT-BIH Arrhythmia Database
======================================================================

4,400 beats of lead MLII, whole and in order of time, from the 22 records that de Chazal
et al. (2004) set aside for training (DS1). A beat has 150 samples at 180 Hz, in mV; its
R peak, as annotated, is at sample 49. Classes follow AAMI: N normal and bundle branch
block, S supraventricular ectopic, V ventricular ectopic, F fusion, Q unknown or paced.

    N 3,940   S 87   V 329 (7.5 %)   F 41   Q 3

Beats were drawn in proportion to each record's size and classes, low-passed at 80 Hz
and decimated from 360 Hz. Neighbors in the table are not neighbors in time: about one
beat in twelve was kept.

Always split by record (`groups`). If beats of one patient are in both parts of a split,
all scores are too optimistic.

Contains information from the MIT-BIH Arrhythmia Database (PhysioNet,
doi:10.13026/C2F305), made available under the Open Data Commons Attribution License
v1.0, https://opendatacommons.org/licenses/by/1-0/. Please cite

- G. B. Moody and R. G. Mark. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng.
  in Med. and Biol. 20(3):45-50, 2001.
- A. L. Goldberger et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation
  101(23):e215-e220, 2000.
- P. de Chazal, M. O'Dwyer and R. B. Reilly. Automatic classification of heartbeats
  using ECG morphology and heartbeat interval features. IEEE Trans. Biomed. Eng.
  51(7):1196-1206, 2004.

`data/LICENSE.md` in `skloss.datasets` lists what was changed.
"""


@cache
def _read() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return beats in ADC units, class numbers and record numbers."""
    with np.load(_FILE) as stored:
        beats = np.cumsum(stored["differences"], axis=1, dtype=np.int16)
        return beats, stored["y"], stored["record"]


def _feature_names() -> list[str]:
    """Name each sample by its milliseconds from the R peak."""
    milliseconds = (np.arange(150) - _R_PEAK) * 1000 / _SAMPLING_RATE
    return [f"{time:+.1f} ms" for time in milliseconds]


def load_heartbeats(
    *, target: str = "ventricular", return_X_y: bool = False, as_frame: bool = False
) -> Bunch | tuple[Any, Any]:
    """Load 4,400 heartbeats of 22 patients, 7.5 % of them ventricular ectopic.

    A slice of the MIT-BIH Arrhythmia Database [1]_ [2]_, made available under the Open
    Data Commons Attribution License v1.0: the 22 records of de Chazal's training set
    DS1 [3]_, lead MLII, one beat a row.

    =================   =============================
    Rows                4,400
    Columns             150 samples at 180 Hz, in mV
    Patients            22
    Positive rows       329 (7.5 %)
    =================   =============================

    Parameters
    ----------
    target : {"ventricular", "aami"}, default="ventricular"
        What to predict: ``"ventricular"`` is 1 for class V and 0 for every other;
        ``"aami"`` is the class itself, one of N, S, V, F, Q.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a bunch. Only the bunch has the patients,
        which are needed to split the rows.

    as_frame : bool, default=False
        Return the data as a pandas DataFrame and the target as a Series.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray or DataFrame of shape (4400, 150), float32
            One beat a row, in mV; the annotated R peak is sample 49.
        target : ndarray or Series of shape (4400,), int64 or str
            Labels, according to `target`.
        target_names : ndarray of shape (2,) or (5,), str
            The name of class 0 and of class 1, or the five classes.
        feature_names : list of 150 str
            Each sample's time from the R peak, in ms.
        groups : ndarray of shape (4400,), int64
            The number of the patient's record, 101 to 230.
        aami : ndarray of shape (4400,), str
            The class N, S, V, F or Q, whatever the target.
        sampling_rate : float
            180.0, in Hz.
        frame : DataFrame of shape (4400, 151) or None
            Data and target side by side, with ``as_frame=True``.
        DESCR : str
            Description, attribution and license.
        filename : str
            The path of the file.

    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    ValueError
        If `target` is neither of the two.

    Notes
    -----
    Limits of the data: Only one beat in twelve was kept, so the rhythm and the interval
    to the next beat are lost. Most V beats come from six patients, so a hold-out may
    have almost none. Twenty-two patients are too few to compare two good classifiers.

    Always split by `groups`. If beats of one patient are in both parts of a split, all
    scores are too optimistic.

    References
    ----------
    .. [1] G. B. Moody and R. G. Mark. The impact of the MIT-BIH Arrhythmia Database.
       IEEE Eng. in Med. and Biol. 20(3):45-50, 2001.
    .. [2] A. L. Goldberger et al. PhysioBank, PhysioToolkit, and PhysioNet: components
       of a new research resource for complex physiologic signals. Circulation
       101(23):e215-e220, 2000.
    .. [3] P. de Chazal, M. O'Dwyer and R. B. Reilly. Automatic classification of
       heartbeats using ECG morphology and heartbeat interval features. IEEE Trans.
       Biomed. Eng. 51(7):1196-1206, 2004.

    Examples
    --------
    >>> from skloss.datasets import load_heartbeats
    >>> beats = load_heartbeats()
    >>> beats.data.shape, beats.target.sum().item()
    ((4400, 150), 329)

    No patient is in both parts of this split:

    >>> from sklearn.model_selection import GroupShuffleSplit
    >>> split = GroupShuffleSplit(n_splits=1, test_size=6, random_state=0)
    >>> train, test = next(split.split(beats.data, groups=beats.groups))
    >>> set(beats.groups[train]) & set(beats.groups[test])
    set()

    All five classes, as pandas objects:

    >>> X, y = load_heartbeats(target="aami", return_X_y=True, as_frame=True)
    >>> y.value_counts().to_dict()
    {'N': 3940, 'V': 329, 'S': 87, 'F': 41, 'Q': 3}
    """
    if target not in _TARGET_NAMES:
        choices = " or ".join(repr(name) for name in _TARGET_NAMES)
        raise ValueError(f"target must be {choices}, got {target!r}.")
    beats, labels, record = _read()
    aami = _AAMI[labels]
    data: Any = (beats / _UNITS_PER_MILLIVOLT).astype(np.float32)
    y: Any = aami if target == "aami" else (aami == "V").astype(np.int64)
    frame = None
    if as_frame:
        frame, data, y = _as_frame(data, y)
    if return_X_y:
        return data, y

    from sklearn.utils import Bunch

    return Bunch(
        data=data,
        target=y,
        target_names=_TARGET_NAMES[target].copy(),
        feature_names=_feature_names(),
        groups=record.astype(np.int64),
        aami=aami.copy(),
        sampling_rate=_SAMPLING_RATE,
        frame=frame,
        DESCR=_DESCR,
        filename=str(_FILE),
    )


def _as_frame(data: np.ndarray, y: np.ndarray) -> tuple[Any, Any, Any]:
    """Return frame, data and target as pandas objects."""
    import pandas as pd

    X = pd.DataFrame(data, columns=_feature_names())
    target = pd.Series(y, name="target")
    return pd.concat([X, target], axis=1), X, target
