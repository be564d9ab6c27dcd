"""``skloss search`` keeps the winner, and ``skloss predict`` uses it."""

import io
from collections import Counter

import joblib
import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.preprocessing import Normalizer, OneHotEncoder, StandardScaler

import skloss
from skloss import DenseClassifier, Pipeline
from skloss.cli import main
from skloss.datasets import make_rare_events
from skloss.exceptions import DataFileError
from skloss.search.model_files import load_model
from skloss.search.predict import read_rows

pytestmark = pytest.mark.usefixtures("sketched")


@pytest.fixture(scope="module", autouse=True)
def _environment():
    """Main sets these for a process of its own; here they must go back."""
    names = ("TF_NUM_INTRAOP_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    with pytest.MonkeyPatch.context() as patch:
        for name in (*names, "MKL_NUM_THREADS"):
            patch.setenv(name, "1")
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        yield


def table(n=120):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 4 == 0
    size = (rng.normal(size=n) + 2 * y).round(3)
    size[5] = np.nan
    return pd.DataFrame(
        {
            "size": size,
            "share": [f"{100 * value:.1f}%" for value in rng.random(n)],
            "city": rng.choice(["Bern[/x]", "1", "None"], n),
            "at": rng.choice(["2024-05-06", "2023-01-02", "2024-11-30"], n),
            "fraud": np.where(y, "yes", "no"),
        }
    )


def searched(folder, path, *options):
    grid = ["--grid", "epochs=3", "--grid", "width=4", "--folds", "2", "--jobs", "1"]
    typed = ["search", str(path), "--model", "dense", *grid, *options]
    assert main([*typed, "--out", str(folder)]) == 0
    return folder / "model.safetensors"


@pytest.fixture(scope="module")
def csv_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "[red]rows.csv"
    table().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def model_file(csv_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("[bold]found")
    return searched(folder, csv_file, "--target", "fraud")


def predict(capsys, *args):
    capsys.readouterr()
    code = main(["predict", *map(str, args)])
    out, err = capsys.readouterr()
    return code, out, err


def refused(capsys, *args):
    code, out, err = predict(capsys, *args)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    return err


def test_predictions_are_those_of_the_model_that_is_loaded(
    csv_file, model_file, capsys
):
    model = skloss.load(model_file)
    X = pd.read_csv(csv_file, keep_default_na=False, na_values={"size": [""]})
    X["share"] = X["share"].str.rstrip("%").astype(float) / 100
    X["at"] = pd.to_datetime(X["at"])
    X["city"] = X["city"].replace({"None": np.nan}).astype(object)
    code, out, err = predict(capsys, model_file, csv_file)
    assert code == 0
    assert err == "skloss predict: Not used: 'fraud'.\n"
    found = pd.read_csv(io.StringIO(out))
    assert found["prediction"].tolist() == model.predict(X).tolist()
    assert list(found)[1:] == ["probability_no", "probability_yes"]
    np.testing.assert_allclose(
        found.iloc[:, 1:], model.predict_proba(X), rtol=1e-5, atol=1e-12
    )


def changed(change):
    def write(tmp_path):
        path = tmp_path / "new.csv"
        change(table()).to_csv(path, index=False)
        return path

    return write


SAME_ROWS = {
    "other order": changed(lambda t: t[t.columns[::-1]]),
    "more columns": changed(lambda t: t.assign(more="x")),
    "no target": changed(lambda t: t.drop(columns="fraud")),
}


@pytest.mark.parametrize("write", SAME_ROWS.values(), ids=list(SAME_ROWS))
def test_columns_are_found_by_name(write, csv_file, model_file, tmp_path, capsys):
    expected = predict(capsys, model_file, csv_file)[1]
    assert predict(capsys, model_file, write(tmp_path))[1] == expected


def test_one_row_is_read_like_the_same_row_among_others(
    csv_file, model_file, tmp_path, capsys
):
    lines = predict(capsys, model_file, csv_file)[1].splitlines()
    for row in (5, *np.flatnonzero(table()["city"] != "Bern[/x]")[:3]):
        table().iloc[[row]].to_csv(tmp_path / "one.csv", index=False)
        out = predict(capsys, model_file, tmp_path / "one.csv")[1]
        assert out.splitlines()[1] == lines[row + 1]


def test_parquet_and_semicolons_give_the_same_predictions(
    csv_file, model_file, tmp_path, capsys
):
    expected = predict(capsys, model_file, csv_file)[1]
    table().to_csv(tmp_path / "new.csv", sep=";", decimal=",", index=False)
    assert predict(capsys, model_file, tmp_path / "new.csv")[1] == expected
    frame = table()
    frame["city"] = frame["city"].replace({"None": None})
    frame["at"] = pd.to_datetime(frame["at"])
    frame.to_parquet(tmp_path / "new.parquet")
    assert predict(capsys, model_file, tmp_path / "new.parquet")[1] == expected


def test_the_table_goes_into_a_file_that_is_asked_for(
    csv_file, model_file, tmp_path, capsys
):
    expected = predict(capsys, model_file, csv_file)[1]
    path = tmp_path / "out.csv"
    code, out, _ = predict(capsys, model_file, csv_file, "--out", path)
    assert code == 0
    assert f"Wrote 120 predictions to {path}" in out
    assert path.read_text() == expected


UNUSABLE = {
    "column missing": (
        changed(lambda t: t.drop(columns="size").assign(Size=1)),
        "needs the column 'size', which is not in the file; did you mean 'Size'?",
    ),
    "columns missing": (
        changed(lambda t: t[["size"]]),
        "needs the columns 'share', 'city', 'at', which are not in the file",
    ),
    "text for a number": (
        changed(lambda t: t.assign(size=["1", "two"] * 60)),
        "column 'size' has numbers, but 'two' in row 2",
    ),
    "text for a date": (
        changed(lambda t: t.assign(at="soon")),
        "column 'at' must have dates, got 'soon' in row 1",
    ),
    "infinite": (
        changed(lambda t: t.assign(size=np.inf)),
        "column 'size' has an infinite value in row 1",
    ),
    "no rows": (changed(lambda t: t.head(0)), "a header but no rows"),
}


@pytest.mark.parametrize(("write", "words"), UNUSABLE.values(), ids=list(UNUSABLE))
def test_rows_that_do_not_fit_are_refused_in_one_sentence(
    write, words, model_file, tmp_path, capsys
):
    assert words in refused(capsys, model_file, write(tmp_path))


def test_what_is_no_model_is_refused(csv_file, tmp_path, capsys):
    assert "not a model saved by joblib" in refused(capsys, csv_file, csv_file)
    joblib.dump({"a": 1}, tmp_path / "dict")
    assert "it has a dict, not a model" in refused(capsys, tmp_path / "dict", csv_file)
    missing = tmp_path / "model.joblip"
    (tmp_path / "model.joblib").write_bytes(b"x")
    assert "did you mean 'model.joblib'?" in refused(capsys, missing, csv_file)
    from skloss import DenseClassifier

    joblib.dump(DenseClassifier(), tmp_path / "new")
    assert "the model is not fitted" in refused(capsys, tmp_path / "new", csv_file)


@pytest.fixture(scope="module")
def scaled_network():
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    network = DenseClassifier(width=2, depth=1, epochs=1, random_state=0)
    return Pipeline([("scale", StandardScaler()), ("network", network)]).fit(X, y)


def test_a_file_is_known_whatever_the_length_of_its_header(scaled_network, tmp_path):
    # Its lowest byte is the first of the file: 0x80 is how a pickle begins, too, and
    # the archive of the scaler makes the file look like one of skops.
    path, starts = tmp_path / "model", set()
    (scale, scaler), (_, network) = scaled_network.steps
    for length in range(1, 260, 8):
        skloss.save(Pipeline([(scale, scaler), ("n" * length, network)]), path)
        starts.add(path.read_bytes()[0])
        assert [*load_model(path).named_steps] == [scale, "n" * length]
    assert starts == {*range(0, 256, 8)}


def test_a_model_of_arrays_predicts_arrays(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    np.savez(tmp_path / "rows.npz", X=X, y=y)
    model = searched(tmp_path / "found", tmp_path / "rows.npz")
    out = predict(capsys, model, tmp_path / "rows.npz")[1]
    found = pd.read_csv(io.StringIO(out))["prediction"].tolist()
    assert found == skloss.load(model).predict(X).tolist()
    np.savez(tmp_path / "wide.npz", X=np.ones((2, 4)))
    err = refused(capsys, model, tmp_path / "wide.npz")
    assert "it has 4 columns, but the model was fitted on 3" in err
    X[1, 2] = np.nan
    np.savez(tmp_path / "gap.npz", X=X)
    err = refused(capsys, model, tmp_path / "gap.npz")
    assert "column 3 has no value in row 2" in err


def test_a_model_of_columns_wants_names(model_file, tmp_path, capsys):
    np.savez(tmp_path / "rows.npz", X=np.ones((3, 4)))
    assert "the model finds its columns by name" in refused(
        capsys, model_file, tmp_path / "rows.npz"
    )


def test_square_brackets_in_names_are_shown_as_they_are(
    csv_file, tmp_path, capsys, monkeypatch
):
    path = tmp_path / "[red]p2:smile:.csv"
    frame = table().drop(columns=["share", "at"])
    frame["fraud"] = frame["fraud"].replace({"yes": "ok[/x]", "no": "[bold]no"})
    frame = frame.rename(columns={"city": "city[/]"})
    frame["city[/]"] = [f"{i}[/y]" for i in range(len(frame))]
    frame.to_csv(path, index=False)
    folder = tmp_path / "[red]found"
    capsys.readouterr()
    searched(folder, path, "--target", "fraud")
    shown = capsys.readouterr().out
    assert str(path) in shown
    assert f"to {folder} in" in shown
    assert "rows of class [bold]no: 90 (75.0%), ok[/x]: 30 (25.0%)" in shown
    assert "Column 'city[/]' is left out" in shown
    assert str(folder / "model.safetensors") in shown


@pytest.mark.parametrize("form", ["safetensors", "skops", "onnx"])
def test_every_form_of_a_model_predicts_the_same(form, tmp_path, capsys):
    skops_io, _ = pytest.importorskip("skops.io"), pytest.importorskip("safetensors")
    pytest.importorskip("skl2onnx"), pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 2)), columns=["size", "at"])
    frame["city"] = rng.choice(["Bern", "1"], 80)
    steps = make_column_transformer(
        (StandardScaler(), ["size", "at"]), (OneHotEncoder(), ["city"])
    )
    classifier = DenseClassifier(width=4, epochs=2, random_state=0)
    pipeline = skloss.make_pipeline(steps, classifier)
    pipeline.fit(frame, np.where(frame["size"] > 0.5, "yes", "no"))
    path, rows = tmp_path / f"model.{form}", tmp_path / "rows.csv"
    frame.to_csv(rows, index=False)
    if form == "safetensors":
        skloss.save(pipeline, path)
    elif form == "skops":
        skops_io.dump(pipeline, path)
    else:
        skloss.to_onnx(pipeline, path, X=frame)
    capsys.readouterr()
    assert main(["predict", str(path), str(rows)]) == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(found) == ["prediction", "probability_no", "probability_yes"]
    assert found["prediction"].tolist() == pipeline.predict(frame).tolist()
    np.testing.assert_allclose(found.iloc[:, 1:], pipeline.predict_proba(frame), 1e-4)


def test_damaged_files_of_every_form_are_refused_in_a_sentence(
    csv_file, tmp_path, capsys
):
    skops_io, _ = pytest.importorskip("skops.io"), pytest.importorskip("safetensors")
    pytest.importorskip("onnxruntime")
    X = np.arange(40.0)[:, None]
    classifier = DenseClassifier(width=2, epochs=1, random_state=0).fit(X, X[:, 0] > 19)
    skloss.save(classifier, tmp_path / "cut")
    content = (tmp_path / "cut").read_bytes()
    (tmp_path / "cut").write_bytes(content[:-9])
    assert "was cut short." in refused(capsys, tmp_path / "cut", csv_file)
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    assert "no ONNX model." in refused(capsys, tmp_path / "x.onnx", csv_file)
    skops_io.dump(Counter("rows"), tmp_path / "own.skops")
    assert "skops does not load it" in refused(capsys, tmp_path / "own.skops", csv_file)


def test_without_the_extra_the_same_winner_is_pickled(
    csv_file, model_file, tmp_path, capsys, monkeypatch
):
    def need(module, extra, what):
        raise ImportError(f"no {module}")

    monkeypatch.setattr("skloss.io.container.need", need)
    (tmp_path / "model.safetensors").write_text("of an earlier search")
    searched(tmp_path, csv_file, "--target", "fraud")
    assert "model = joblib.load(" in capsys.readouterr().out
    assert not (tmp_path / "model.safetensors").exists()
    monkeypatch.undo()
    pickled, saved = joblib.load(tmp_path / "model.joblib"), skloss.load(model_file)
    rows = table().drop(columns="fraud")
    rows["share"] = rows["share"].str.rstrip("%").astype(float)
    rows["at"] = pd.to_datetime(rows["at"])
    np.testing.assert_array_equal(
        pickled.predict_proba(rows), saved.predict_proba(rows)
    )


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (skloss.CNN1DClassifier, (12, 2)),
        (skloss.CNN1DClassifier, (12, 1)),
        (skloss.CNN2DClassifier, (8, 8)),
        (skloss.CNN2DClassifier, (8, 8, 3)),
    ],
)
def test_series_and_images_of_an_archive_keep_their_shape(kind, shape, tmp_path):
    X = np.random.default_rng(0).normal(size=(40, *shape)).astype(np.float32)
    model = kind(epochs=1, random_state=0).fit(X, np.arange(40) % 2)
    np.savez(tmp_path / "rows.npz", X=X)
    rows, _ = read_rows(model, tmp_path / "rows.npz")
    np.testing.assert_array_equal(model.predict_proba(rows), model.predict_proba(X))
    np.savez(tmp_path / "long.npz", X=X[:, :-1])
    with pytest.raises(DataFileError, match="but the model was fitted on"):
        read_rows(model, tmp_path / "long.npz")


def test_categories_of_the_classifier_itself_are_read_as_texts(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = pd.DataFrame({"size": rng.normal(size=60) + y, "shop": rng.integers(0, 3, 60)})
    X["city"] = rng.choice(["Bern", "Oslo"], 60)
    X.loc[3, "size"], X.loc[4, "city"] = np.nan, None
    X.to_csv(tmp_path / "table.csv", index=False)
    model = DenseClassifier(
        categorical_features=["shop", "city"],
        missing="indicator",
        epochs=2,
        random_state=0,
    ).fit(X, y)
    rows, _ = read_rows(model, tmp_path / "table.csv")
    np.testing.assert_array_equal(model.predict_proba(rows), model.predict_proba(X))


def _own_categories():
    return DenseClassifier(
        width=4, epochs=2, categorical_features=["town"], random_state=0
    )


def _encoded():
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["town"]), remainder="passthrough"
    )
    return skloss.make_pipeline(
        encode, DenseClassifier(width=4, epochs=2, random_state=0)
    )


def _encoded_alone():
    encode = OneHotEncoder(handle_unknown="ignore")
    return skloss.make_pipeline(
        encode, DenseClassifier(width=4, epochs=2, random_state=0)
    )


@pytest.mark.parametrize("inner", [_own_categories, _encoded, _encoded_alone])
@pytest.mark.parametrize(
    "around",
    [
        lambda inner: inner,
        FixedThresholdClassifier,
        lambda inner: CalibratedClassifierCV(inner, cv=2),
    ],
    ids=["plain", "threshold", "calibration"],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_texts_are_those_that_the_model_was_fitted_on(inner, around, suffix, tmp_path):
    y = np.arange(90) % 2
    towns = np.array(["NA", " None", "7", "Bern"])  # as pandas may have read them
    size = np.random.default_rng(0).integers(5, size=90) + y
    frame = pd.DataFrame({" size": size, "town": towns[np.arange(90) % 3 + y]})
    model = around(inner()).fit(frame, y)
    path = tmp_path / f"rows.{suffix}"
    getattr(frame, f"to_{suffix}")(path, index=False)
    rows, notes = read_rows(model, path)
    assert notes == []
    assert rows["town"].tolist() == frame["town"].tolist()
    np.testing.assert_allclose(
        model.predict_proba(rows), model.predict_proba(frame), atol=1e-6
    )


@pytest.mark.parametrize(
    ("steps", "takes"),
    [
        ([StandardScaler(), DenseClassifier(missing="indicator", epochs=1)], True),
        ([SMOTE(), DenseClassifier(epochs=1)], False),
        ([StandardScaler(), SimpleImputer(), DenseClassifier(epochs=1)], True),
        ([Normalizer(), DenseClassifier(missing="indicator", epochs=1)], False),
    ],
)
def test_gaps_are_read_if_every_step_takes_them(tmp_path, steps, takes):
    X, y = make_rare_events(100, prevalence=0.3, random_state=0)
    model = Pipeline([(type(step).__name__, step) for step in steps]).fit(X, y)
    X[3, 2] = np.nan
    np.save(tmp_path / "rows.npy", X)
    if not takes:
        with pytest.raises(DataFileError, match="column 3 has no value in row 4"):
            read_rows(model, tmp_path / "rows.npy")
        return
    rows, _ = read_rows(model, tmp_path / "rows.npy")
    np.testing.assert_array_equal(model.predict_proba(rows), model.predict_proba(X))
