"""Cut the slice of heartbeats that ships with skloss out of the 22 DS1 records.

    python benchmarks/cut_heartbeats.py BEATS.npz [--out FILE] [--quick]

BEATS.npz has all beats of DS1: ``X`` of shape (n, 300) at 360 Hz, their class numbers
``y`` (NSVFQ) and their ``record``. ``--quick`` tries the script on noise instead, and
writes to the directory of temporary files.

The slice keeps whole beats of every record: in proportion to the record's size, and
within the record in proportion to each class. Beats are low-passed and decimated from
360 to 180 Hz, rounded, and stored as differences along time, which compress better.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import ndimage, signal

ROOT = Path(__file__).resolve().parents[1]
SLICE = ROOT / "skloss/datasets/data/heartbeats.npz"

N_BEATS = 4400
FEWEST_PER_RECORD = 60
LARGEST_FILE = 1_000_000
SEED = 0


def apportion(weights: np.ndarray, total: int, fewest: int = 1) -> np.ndarray:
    """Share `total` out over `weights` by largest remainders.

    Each part is at least `fewest`, or its whole weight if that is less.
    """
    exact = weights * total / weights.sum()
    parts = np.floor(exact).astype(int)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: total - parts.sum()]] += 1
    parts = np.maximum(parts, np.minimum(fewest, weights))
    # What the smallest parts were given is taken back from the largest.
    parts[np.argmax(parts)] -= parts.sum() - total
    return parts


def draw(y: np.ndarray, record: np.ndarray, n_beats: int, seed: int) -> np.ndarray:
    """Return the indices of the beats to keep, in their order of time."""
    rng = np.random.default_rng(seed)
    records, sizes = np.unique(record, return_counts=True)
    kept = []
    for one, n in zip(
        records, apportion(sizes, n_beats, FEWEST_PER_RECORD), strict=True
    ):
        in_record = np.flatnonzero(record == one)
        per_class = apportion(np.bincount(y[in_record], minlength=5), n)
        for label, n_label in enumerate(per_class):
            candidates = in_record[y[in_record] == label]
            kept.append(rng.choice(candidates, n_label, replace=False))
    return np.sort(np.concatenate(kept))


def decimate(beats: np.ndarray) -> np.ndarray:
    """Low-pass beats of 300 samples below 90 Hz and keep every second sample.

    The filter is symmetric, so nothing moves in time. The odd samples are kept, because
    the R peak is sample 99: it becomes sample 49.
    """
    taps = signal.firwin(61, 80.0, fs=360.0)
    smooth = ndimage.convolve1d(beats.astype(float), taps, axis=1, mode="mirror")
    return smooth[:, 1::2]


def cut(source: Path, target: Path) -> None:
    with np.load(source) as whole:
        y, record = whole["y"], whole["record"]
        keep = draw(y, record, N_BEATS, SEED)
        beats = np.rint(decimate(whole["X"][keep])).astype(np.int16)
    # The first sample stays as it is, so that a cumulative sum undoes the differences.
    differences = np.diff(beats, axis=1, prepend=np.int16(0))
    np.savez_compressed(
        target, differences=differences, y=y[keep].astype(np.int8), record=record[keep]
    )
    size = target.stat().st_size
    if size > LARGEST_FILE:
        raise SystemExit(f"{target} has {size:,} bytes, over {LARGEST_FILE:,}")
    counts = dict(zip("NSVFQ", np.bincount(y[keep], minlength=5).tolist(), strict=True))
    print(f"{len(keep):,} beats, {size:,} bytes, {counts}")


def make_noise(path: Path) -> Path:
    """Write noise in the shape of beats: 22 records of 300 beats each."""
    rng = np.random.default_rng(SEED)
    record = np.repeat(np.arange(22), 300)
    X = rng.integers(-9, 9, (len(record), 300))
    y = rng.choice(5, len(record), p=[0.8, 0.05, 0.1, 0.04, 0.01])
    np.savez(path, X=X.astype(np.int16), y=y, record=record)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", type=Path, help="file of all beats of DS1")
    parser.add_argument("--out", type=Path, default=SLICE)
    parser.add_argument("--quick", action="store_true", help="try it on noise")
    options = parser.parse_args()
    if options.quick:
        with TemporaryDirectory() as folder:
            noise = make_noise(Path(folder) / "noise.npz")
            cut(noise, Path(folder) / "slice.npz")
    elif options.source is None:
        parser.error("give the file of all beats of DS1, or --quick")
    else:
        cut(options.source, options.out)


if __name__ == "__main__":
    main()
