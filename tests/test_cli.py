"""``skloss search`` in process, on small files; bad input by its words."""

import re
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.model_selection import cross_validate as sklearn_cross_validate
from sklearn.preprocessing import StandardScaler

import skloss
from skloss import DenseClassifier, Pipeline
from skloss.cli import main
from skloss.cli_options import make_parser
from skloss.reports.baseline_scores import LOGISTIC, MAJORITY, TREES
from skloss.search.grid_search import Search
from skloss.search.plan import plan_search

pytestmark = pytest.mark.usefixtures("sketched")


TINY = ["--model", "dense", "--grid", "epochs=2", "--grid", "width=3,4"]


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """Main sets these for a process of its own; here they must go back."""
    for name in ("TF_NUM_INTRAOP_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [160, 40])
    X = rng.normal(size=(200, 3)) + y[:, None]
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    table["fraud"] = np.where(y, "yes", "no")
    table["patient"] = np.arange(200) % 20
    return table.sample(frac=1, random_state=0, ignore_index=True)


@pytest.fixture
def csv_file(frame, tmp_path):
    path = tmp_path / "rows.csv"
    frame.drop(columns="patient").to_csv(path, index=False)
    return path


def run(capsys, *args):
    """Exit code, standard output, and the one line that complains, without breaks."""
    code = main(["search", *map(str, args)])
    out, err = capsys.readouterr()
    return code, out, err


def refused(capsys, *args):
    code, _, err = run(capsys, *args)
    assert code == 2
    assert "Traceback" not in err
    assert err.count("\n") == 1, err
    return err


# ---------------------------------------------------------------------------- main job


def test_a_search_writes_table_results_and_picture(csv_file, tmp_path, capsys):
    out = tmp_path / "found"
    code, shown, _ = run(
        capsys, csv_file, "--target", "fraud", "--positive", "yes", *TINY,
        "--folds", 3, "--out", out,
    )  # fmt: skip
    assert code == 0
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    results = pd.read_csv(out / "results.csv")
    assert sorted(results["dense__width"]) == [3, 4]
    assert results["mean_mcc"].is_monotonic_decreasing
    assert "0.80" in shown  # the majority guess
    assert "validation MCC" in shown
    assert str(out) in shown


def test_results_equal_those_of_cross_validate(frame, csv_file, tmp_path, capsys):
    run(
        capsys, csv_file, "--target", "fraud", "--positive", "yes", *TINY,
        "--folds", 3, "--seed", 5, "--out", tmp_path,
    )  # fmt: skip
    results = pd.read_csv(tmp_path / "results.csv").set_index("dense__width")
    pipeline = Pipeline(
        [
            ("scaler", StandardScaler()),
            ("smote", SMOTE(random_state=5)),
            ("dense", DenseClassifier(epochs=2, width=4, random_state=5)),
        ]
    )
    read = pd.read_csv(csv_file)
    expected = sklearn_cross_validate(
        pipeline,
        read[["a", "b", "c"]].to_numpy(),
        (read["fraud"] == "yes").astype(int).to_numpy(),
        cv=StratifiedKFold(3, shuffle=True, random_state=5),
        scoring={"mcc": "matthews_corrcoef", "f1": "f1", "accuracy": "accuracy"},
    )
    for score in ("mcc", "f1", "accuracy"):
        found = [results.loc[4, f"{score}_fold_{fold}"] for fold in (1, 2, 3)]
        np.testing.assert_allclose(found, expected[f"test_{score}"])
        assert results.loc[4, f"mean_{score}"] == pytest.approx(np.mean(found))
        assert results.loc[4, f"sd_{score}"] == pytest.approx(np.std(found))
    majority = [results.loc[4, f"majority_fold_{fold}"] for fold in (1, 2, 3)]
    np.testing.assert_allclose(majority, 0.8, atol=0.01)


def test_two_jobs_give_the_scores_of_one(csv_file, tmp_path, capsys):
    found = []
    for jobs in (1, 2):
        out = tmp_path / str(jobs)
        run(
            capsys, csv_file, "--target", "fraud", *TINY, "--folds", 2,
            "--jobs", jobs, "--out", out,
        )  # fmt: skip
        results = pd.read_csv(out / "results.csv")
        found.append(results.drop(columns=results.filter(like="seconds").columns))
    pd.testing.assert_frame_equal(*found)


def test_series_of_several_channels_in_an_archive(tmp_path, capsys):
    rng = np.random.default_rng(0)
    y = np.repeat(["normal", "odd", "strange"], [40, 20, 20])
    X = rng.normal(size=(80, 12, 2)) + (y == "odd")[:, None, None]
    path = tmp_path / "series.npz"
    np.savez(path, X=X, label=y, who=np.arange(80) % 8)
    code, shown, _ = run(
        capsys, path, "--target", "label", "--groups", "who", "--folds", 2,
        "--sampler", "none", "--grid", "epochs=1", "--grid", "width=2",
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 0
    assert "80 rows, 24 columns" in shown
    assert "Pipeline(SeriesScaler, CNN1DClassifier)" in shown


def test_parquet_reads_as_csv_does(frame, csv_file, tmp_path):
    from skloss.search.data_files import read_table

    frame.drop(columns="patient").to_parquet(tmp_path / "rows.parquet")
    one = read_table(tmp_path / "rows.parquet", "fraud", "yes")
    other = read_table(csv_file, "fraud", "yes")
    np.testing.assert_allclose(one.X, other.X)
    assert one.y.tolist() == other.y.tolist()


def test_patients_are_never_on_both_sides_of_a_split_or_of_the_hold_out(
    frame, tmp_path, capsys, monkeypatch
):
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    patient = dict(zip(frame["a"].round(9), frame["patient"], strict=True))
    fits, holdouts = [], []
    plain_fit, plain_split = Pipeline.fit, DenseClassifier.split_validation

    def fit(self, X, y=None, **params):
        fits.append({patient[value] for value in np.asarray(X)[:, 0].round(9)})
        return plain_fit(self, X, y, **params)

    def split(self, X, y, groups=None):
        kept, held = plain_split(self, X, y, groups)
        who = np.array([patient[value] for value in np.asarray(X)[:, 0].round(9)])
        holdouts.append((set(who[kept]), set(who[held])))
        return kept, held

    monkeypatch.setattr(Pipeline, "fit", fit)
    monkeypatch.setattr(DenseClassifier, "split_validation", split)
    code, _, _ = run(
        capsys, path, "--target", "fraud", "--groups", "patient", *TINY,
        "--folds", 2, "--out", tmp_path,
    )  # fmt: skip
    assert code == 0
    n_patients = sorted(map(len, fits))
    assert n_patients == [10, 10, 10, 10, 20]
    assert len(holdouts) == 5
    assert all(not kept & held and held for kept, held in holdouts)


def test_the_default_search_is_what_the_readme_promises():
    from skloss.datasets import load_heartbeats

    options = make_parser().parse_args(["search"])
    from skloss.search.command import _heartbeats

    table = _heartbeats(options)
    search = plan_search(options, table)
    steps = [type(step).__name__ for _, step in search.pipeline.steps]
    assert steps == ["SeriesScaler", "CNN1DClassifier"]
    assert len(search.candidates) == 7
    assert type(search.candidates[-1]["cnn"]).__name__ == "RocketClassifier"
    assert {name for c in search.candidates for name in c} == {
        "cnn__batch_norm",
        "cnn__class_weight",
        "cnn__global_pooling",
        "cnn",
    }
    assert set(search.baselines) == {LOGISTIC, TREES, MAJORITY}
    beats = load_heartbeats()
    cv = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    expected = list(cv.split(beats.data, beats.target, beats.groups))
    assert len(search.splits) == 5
    for found, wanted in zip(search.splits, expected, strict=True):
        np.testing.assert_array_equal(found[1], wanted[1])
        assert not set(beats.groups[found[0]]) & set(beats.groups[found[1]])
    np.testing.assert_array_equal(search.fit_params["cnn__groups"], beats.groups)


# -------------------------------------------------------------------------- interrupted


def test_ctrl_c_keeps_and_shows_what_was_finished(
    csv_file, tmp_path, capsys, monkeypatch
):
    plain = Search._fit_and_score

    def fit_two_then_press(self, X, y, candidate, fold, stop):
        if candidate == 1:
            raise KeyboardInterrupt
        return plain(self, X, y, candidate, fold, stop)

    monkeypatch.setattr(Search, "_fit_and_score", fit_two_then_press)
    (tmp_path / "curves.png").write_bytes(b"of an earlier search")
    code, shown, err = run(
        capsys, csv_file, "--target", "fraud", *TINY, "--folds", 2, "--jobs", 1,
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 130
    assert "Traceback" not in err
    assert "1 of 2 candidates and" in shown
    assert len(pd.read_csv(tmp_path / "results.csv")) == 1
    assert not (tmp_path / "curves.png").exists()


def test_ctrl_c_lets_running_fits_end_with_their_epoch():
    stop = threading.Event()
    stop.set()
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.arange(60) % 2
    pipeline = Pipeline([("dense", DenseClassifier(epochs=10_000, width=2))])
    rows = np.arange(60)
    search = Search(pipeline, [{}], [(rows, rows)])
    assert search._fit_and_score(X, y, 0, 0, stop).scores["seconds"] < 20


# ----------------------------------------------------------------------------- failures


def test_a_candidate_that_fails_is_named_and_left_out(csv_file, tmp_path, capsys):
    code, shown, _ = run(
        capsys, csv_file, "--target", "fraud", "--model", "dense", "--folds", 2,
        "--grid", "epochs=1", "--grid", "dropout=0,1.2", "--out", tmp_path,
    )  # fmt: skip
    assert code == 0
    assert "2 fits failed" in shown
    assert re.search(r"'dropout' parameter .* must be", shown)
    assert len(pd.read_csv(tmp_path / "results.csv")) == 1


def test_no_candidate_that_trains_is_an_error(csv_file, tmp_path, capsys):
    code, _, err = run(
        capsys, csv_file, "--target", "fraud", "--model", "dense", "--folds", 2,
        "--jobs", 1, "--grid", "activation=rellu", "--out", tmp_path,
    )  # fmt: skip
    assert code == 2
    assert "No candidate could be trained" in err
    assert "Traceback" not in err
    assert "Did you mean 'relu'?" in err


BAD_OPTIONS = {
    "model": (["--model", "rnn"], "invalid choice: 'rnn'"),
    "folds": (["--folds", "1"], "whole number of at least 2, got '1'"),
    "jobs": (["--jobs", "x"], "whole number of at least 1, got 'x'"),
    "seed": (["--seed", "-1"], "seed"),
    "sampler": (["--sampler", "SMOT"], "did you mean SMOTE?"),
    "sampler alone": (["--sampler", "SMOTENC"], "without further arguments"),
    "grid name": (["--grid", "drop_out=0"], "did you mean 'dropout'?"),
    "grid step": (["--grid", "smote__neighbors=3"], "did you mean 'smote__"),
    "grid form": (["--grid", "dropout"], '"dropout=0,0.25"'),
    "grid twice": (["--grid", "l2=0", "--grid", "l2=1"], "names l2 twice"),
    "channels": (["--channels", "7"], "does not divide the 3 columns"),
    "channels of a table": (["--model", "dense", "--channels", "1"], "needs --model"),
    "target": (["--target", "frod"], "no column 'frod'; did you mean 'fraud'?"),
    "far target": (["--target", "zzz"], "no column 'zzz'; it has 'a', 'b', 'c'"),
    "groups": (["--groups", "patients"], "no column 'patients'"),
    "positive": (["--positive", "yess"], "did you mean 'yes'?"),
    "many folds": (["--folds", "50"], "lower --folds"),
    "few groups": (["--groups", "a", "--folds", "201"], "lower --folds"),
}


@pytest.mark.parametrize(("args", "words"), BAD_OPTIONS.values(), ids=list(BAD_OPTIONS))
def test_a_bad_option_is_refused_in_one_sentence(
    args, words, csv_file, tmp_path, capsys
):
    target = [] if "--target" in args else ["--target", "fraud"]
    assert words in refused(capsys, csv_file, *target, *args, "--out", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("option", ["--target", "--positive", "--groups"])
def test_options_of_a_file_need_a_file(option, capsys):
    assert f"{option} needs a FILE" in refused(capsys, option, "x")


GOOD = "a,b,y\n" + "1,2,0\n3,4,1\n" * 5
BAD_FILES = {
    "unknown suffix": ("rows.xlsx", b"x", "must end in .csv, .csv.gz"),
    "empty": ("rows.csv", b"", "the file is empty"),
    "blank": ("rows.csv", b"\n\n", "has no columns"),
    "header alone": ("rows.csv", b"a,b,y\n", "header but no rows"),
    "cut in a row": ("rows.csv", (GOOD + "1").encode(), "was probably cut short"),
    "cut in a text": ("rows.csv", (GOOD + '1,"2').encode(), "damaged or incomplete"),
    "too long a row": ("rows.csv", (GOOD + "1,2,3,4\n").encode(), "damaged"),
    "not text": ("rows.csv", b"a,y\n\xff\xfe,1\n", "not UTF-8 text"),
    "text": (
        "rows.csv",
        b"a,b,y\nu,1,0\nv,2,1\n",
        "column 'a' is not numeric ('u' in row 1), but a time series has numbers only",
    ),
    "nan": ("rows.csv", b"a,y\n,0\n2,1\n", "in 'a' (first in row 1 of 2); fill"),
    "infinite": ("rows.csv", b"a,y\ninf,0\n2,1\n", "infinite values in 'a'"),
    "target nan": ("rows.csv", b"a,y\n1,\n2,1\n", "target 'y' has no value in row 1"),
    "one class": ("rows.csv", b"a,y\n1,1\n2,1\n", "has only one value"),
    "target alone": ("rows.csv", b"y\n0\n1\n", "no feature column besides the target"),
    "cut parquet": ("rows.parquet", b"PAR1xx", "not a complete Parquet file"),
    "cut npz": ("rows.npz", b"PK\x03\x04xx", "not a complete .npz archive"),
}


@pytest.mark.parametrize(
    ("name", "content", "words"), BAD_FILES.values(), ids=list(BAD_FILES)
)
def test_a_bad_file_is_refused_in_one_sentence(name, content, words, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(content)
    assert words in refused(capsys, path, "--target", "y", "--out", tmp_path / "new")


BAD_ARRAYS = {
    "no X": (
        {"a": np.zeros((4, 2)), "b": np.zeros((4, 3)), "y": np.arange(4)},
        "no array 'X', and none of its arrays ('a' (4, 2), 'b' (4, 3), 'y' (4,))",
    ),
    "no y": ({"X": np.zeros((4, 2))}, "no array 'y'"),
    "two y": (
        {"X": np.zeros((4, 2)), "a": np.arange(4), "b": np.arange(4)},
        "is certainly that of the labels; name it with --target",
    ),
    "one-hot y": ({"X": np.zeros((4, 2)), "y": np.eye(4)}, "such as y.argmax(axis=1)"),
    "shape": ({"X": np.zeros(4), "y": np.arange(4)}, "must have shape"),
    "length": ({"X": np.zeros((4, 2)), "y": np.arange(3)}, "but X has 4 rows"),
    "text": ({"X": np.full((4, 2), "a"), "y": np.arange(4)}, "not numbers"),
    "nan": ({"X": np.full((4, 2), np.nan), "y": np.arange(4)}, "NaN or infinite"),
    "objects": (
        {"X": np.array([[1], [None]], object), "y": np.arange(2)},
        "has Python objects",
    ),
    "measured y": ({"X": np.zeros((3, 2)), "y": [0.1, 0.2, 0.7]}, "a measurement"),
    "no rows": ({"X": np.zeros((0, 2)), "y": np.arange(0)}, "X has no rows"),
}


@pytest.mark.parametrize(("arrays", "words"), BAD_ARRAYS.values(), ids=list(BAD_ARRAYS))
def test_a_bad_archive_is_refused_in_one_sentence(arrays, words, tmp_path, capsys):
    np.savez(tmp_path / "rows.npz", **arrays)
    assert words in refused(capsys, tmp_path / "rows.npz", "--out", tmp_path / "new")


def test_a_truncated_archive_is_refused(tmp_path, capsys):
    path = tmp_path / "rows.npz"
    np.savez(path, X=np.zeros((100, 9)), y=np.arange(100) % 2)
    path.write_bytes(path.read_bytes()[:-200])
    assert "not a complete .npz archive" in refused(capsys, path)


def test_a_missing_file_names_its_neighbor(csv_file, capsys):
    err = refused(capsys, csv_file.with_name("row.csv"), "--target", "fraud")
    assert "no such file; did you mean 'rows.csv'?" in err


def test_a_missing_target_option_lists_the_columns(csv_file, capsys):
    assert "--target COLUMN, one of 'a', 'b'" in refused(capsys, csv_file)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, capsys, monkeypatch):
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr("skloss.search.data_files.find_spec", lambda name: None)
    err = refused(capsys, tmp_path / "rows.parquet", "--target", "y")
    assert 'pip install "skloss[parquet]"' in err


def test_a_folder_that_cannot_be_written_is_refused_before_training(
    csv_file, capsys, monkeypatch
):
    monkeypatch.setattr(Search, "run", lambda *args: pytest.fail("trained"))
    err = refused(capsys, csv_file, "--target", "fraud", "--out", csv_file / "below")
    assert "Cannot write into the folder" in err
    assert "--out DIR" in err


# ----------------------------------------------------------------------------- the rest


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"skloss {skloss.__version__}\n"
    assert main(["--help"]) == 0
    assert "search" in capsys.readouterr().out
    assert main([]) == 0
    assert main(["search", "--help"]) == 0
    assert "--sampler" in capsys.readouterr().out


def test_the_module_runs_and_does_not_load_tensorflow_to_complain():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "skloss", "search", "--seed", "x"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "tensorflow" not in done.stderr
    assert "whole number of at least 0, got 'x'" in done.stderr
