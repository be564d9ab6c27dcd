"""Categories and gaps of tables, within the classifier as by scikit-learn in front."""

import pickle

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.utils import get_tags

import skloss
from skloss import DenseClassifier, make_pipeline
from skloss.exceptions import ModelFileError
from skloss.networks import forward
from skloss.networks.layers import Dense, Embed, FillMissing

N = 120
CITIES = np.array(["Bern", "Köln", "Lódź", "Oslo"])


def frame(gaps=True):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=N),
            "city": CITIES[np.arange(N) % 4],
            "age": rng.normal(size=N),
        }
    )
    y = ((X["city"] == "Oslo") ^ (X["size"] > 0.5)).to_numpy(int)
    if gaps:
        X.loc[3:12, "age"] = np.nan
        X.loc[20, "city"] = None
    return X, y


def dense(**options):
    own = {"epochs": 2, "missing": "indicator", "random_state": 0}
    return DenseClassifier(**own | options)


def probabilities(classifier, logits):
    rare = 1 / (1 + np.exp(-logits[:, 0]))
    return np.column_stack([1 - rare, rare])


def test_embedding_is_a_product_with_one_hot_columns():
    X, y = frame()
    fitted = dense().fit(X, y)
    embed, filling, *behind = fitted.network_.layers
    assert embed == Embed((1,), (4,), (3,))
    table, fill, *weights = fitted.weights_
    seen = pd.concat([X, X[:2].assign(city="Rome")])
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    one_hot.fit(X[["city"]].fillna("~none"))
    assert [*one_hot.categories_[0]] == [*fitted.categories_[0], "~none"]
    codes = one_hot.transform(seen[["city"]].fillna("~none"))
    numbers = SimpleImputer(strategy="median", add_indicator=True)
    kept = fitted.record_.data["held_out_rows"]
    numbers.fit(X[["size", "age"]].drop(index=kept))
    filled = numbers.transform(seen[["size", "age"]])
    np.testing.assert_allclose(fill, numbers.statistics_[None], rtol=1e-6)
    assert filling == FillMissing(2, (1,))
    wide = np.hstack([filled[:, :2], codes @ table[[0, 1, 2, 3, 5]], filled[:, 2:]])
    spec = skloss.networks.NetworkSpec((6,), tuple(behind))
    wanted = probabilities(fitted, forward(spec, weights, wide))
    np.testing.assert_allclose(fitted.predict_proba(seen), wanted, atol=1e-6)


def test_every_container_gives_the_same_classifier():
    polars = pytest.importorskip("polars")
    X, y = frame()
    wanted = dense().fit(X, y).predict_proba(X)
    ordinal = OrdinalEncoder().fit_transform(X[["city"]])
    coded = np.column_stack([X["size"], ordinal, X["age"]])
    lists = {name: X[name].tolist() for name in X}
    lists["city"] = [None if city != city else city for city in lists["city"]]
    lists["age"] = [None if age != age else age for age in lists["age"]]
    in_polars = polars.DataFrame(lists)
    enum = polars.Enum(CITIES.tolist())
    for rows, given in (
        (X.astype({"city": "category"}), "from_dtype"),
        (X.astype({"city": "string"}), "from_dtype"),
        (X.astype({"city": object}), ["city"]),
        (X.to_numpy(object), [1]),
        (X.to_numpy(object).tolist(), [-2]),
        (coded, [False, True, False]),
        (in_polars, "from_dtype"),
        (in_polars.with_columns(polars.col("city").cast(enum)), "from_dtype"),
    ):
        fitted = dense(categorical_features=given).fit(rows, y)
        np.testing.assert_array_equal(fitted.is_categorical_, [False, True, False])
        np.testing.assert_array_equal(fitted.predict_proba(rows), wanted)


def test_the_same_columns_as_of_gradient_boosting_are_categories():
    X, y = frame()
    for given in ("from_dtype", ["city"], [1], [False, True, False], None):
        rows = X.astype({"city": "category"})
        if given is None:
            rows = rows.drop(columns="city")
        trees = HistGradientBoostingClassifier(categorical_features=given, max_iter=1)
        trees.fit(rows, y)
        fitted = dense(categorical_features=given, epochs=1).fit(rows, y)
        np.testing.assert_array_equal(fitted.is_categorical_, trees.is_categorical_)
        assert fitted.predict(rows).shape == trees.predict(rows).shape


def test_texts_of_numbers_stay_numbers_and_mixed_ones_are_refused():
    X, y = frame(gaps=False)
    texts = X.assign(age=X["age"].astype(str))
    fitted = dense(missing="error").fit(texts, y)
    np.testing.assert_array_equal(fitted.is_categorical_, [False, True, False])
    wanted = dense(missing="error").fit(X, y).predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(texts), wanted, atol=1e-6)
    texts.loc[4, "age"] = "?"
    with pytest.raises(
        ValueError, match=r"Column 'age' of X .* \('\?', for instance\)"
    ):
        dense().fit(texts, y)
    named = dense(categorical_features=["age", "city"]).fit(texts, y)
    assert len(named.categories_[1]) == N
    with pytest.raises(ValueError, match="Column 'city' of X"):
        dense(categorical_features=None).fit(X, y)


def test_categories_that_are_not_trained_on_stand_for_nothing():
    X, y = frame()
    held = X["city"] == "Oslo"
    fitted = dense(categorical_features=["city"]).fit(
        X[~held], y[~held], X_val=X[held], y_val=y[held]
    )
    assert fitted.categories_[0].tolist() == ["Bern", "Köln", "Lódź"]
    unknown = fitted.predict_proba(X[held])
    for city in ("Rome", 7, ("a", "tuple")):
        other = X[held].assign(city=[city] * held.sum())
        np.testing.assert_array_equal(fitted.predict_proba(other), unknown)
    # "Oslo" is known, but no row that is trained on has it.
    last = np.r_[np.flatnonzero(~held), np.flatnonzero(held)]
    several = dense(validation_rows="last", validation_fraction=0.25)
    several.fit(X.iloc[last], y[last])
    assert several.categories_[0].tolist() == CITIES.tolist()
    np.testing.assert_array_equal(several.weights_[0][[3, 4]], 0)
    assert np.abs(several.weights_[0][[0, 1, 2, 5]]).min() > 0


def test_medians_and_flags_are_those_of_rows_trained_on():
    X, y = frame(gaps=False)
    X["size"] = np.where(np.arange(N) >= 90, np.nan, 5.0)
    X.loc[:1, "age"] = np.nan
    fitted = dense(validation_rows="last", validation_fraction=0.25).fit(X, y)
    assert fitted.network_.layers[1] == FillMissing(2, (1,))
    wanted = [5.0, np.nanmedian(X["age"][:90])]
    np.testing.assert_allclose(fitted.weights_[1][0], wanted, rtol=1e-6)
    again = dense(validation_rows="last", validation_fraction=0.25, refit=True)
    again.fit(X, y)
    wanted = np.nanmedian(X["age"])
    np.testing.assert_allclose(again.weights_[1][0, 1], wanted, rtol=1e-6)
    assert again.network_ == fitted.network_
    empty = X.assign(age=np.nan)
    assert np.isfinite(dense().fit(empty, y).predict_proba(empty)).all()


def test_nan_is_refused_by_the_name_of_its_column():
    X, y = frame(gaps=False)
    X.loc[7, "age"] = np.nan
    with pytest.raises(ValueError, match=r"NaN .* row 7.*'age'.* missing='indicator'"):
        dense(missing="error").fit(X, y)
    fitted = dense(missing="error").fit(X.fillna(0), y)
    with pytest.raises(ValueError, match=r"NaN .* row 7"):
        fitted.predict(X)
    X.loc[8, "age"] = np.inf
    with pytest.raises(ValueError, match=r"infinity.* row 8"):
        dense().fit(X, y)
    X.loc[5, "city"] = None  # a missing category is one of its own
    assert dense(missing="error").fit(X.assign(age=0.0), y).predict(X[:5]).shape == (5,)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["town"], "has 'town', but X has no such column"),
        ([3], "has 3, but X has 3 columns"),
        ([True, False], "is a mask of 2 entries, but X has 3 columns"),
        ([1.5], "has 1.5, but"),
    ],
)
def test_columns_that_are_not_there_are_refused(given, words):
    X, y = frame()
    with pytest.raises(ValueError, match=words):
        dense(categorical_features=given).fit(X, y)
    with pytest.raises(ValueError, match="'city', but X has no names"):
        dense(categorical_features=["city"]).fit(X.to_numpy(object), y)
    with pytest.raises(ValueError, match="feature names"):
        dense().fit(X, y).predict(X.drop(columns="age"))


def test_keras_and_files_predict_the_same(tmp_path):
    import keras

    X, y = frame()
    fitted = dense().fit(X, y)
    wanted, numbers = fitted.predict_proba(X), fitted.as_numbers(X)
    assert numbers.dtype == np.float32
    assert np.isnan(numbers).sum() == 11
    fitted.model_.save(tmp_path / "model.keras")
    for model in (fitted.model_, keras.saving.load_model(tmp_path / "model.keras")):
        found = probabilities(fitted, np.asarray(model(numbers)))
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    skloss.save(fitted, tmp_path / "file.skloss")
    for again in (
        skloss.load(tmp_path / "file.skloss"),
        pickle.loads(pickle.dumps(fitted)),
        clone(fitted).fit(X, y),
    ):
        np.testing.assert_array_equal(again.predict_proba(X), wanted)


def test_onnx_fills_gaps_and_refuses_categories(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = frame()
    numbers = X[["size", "age"]].to_numpy()
    fitted = dense().fit(numbers, y)
    path = tmp_path / "model.onnx"
    skloss.to_onnx(fitted, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, {"X": numbers})[1]
    np.testing.assert_allclose(found, fitted.predict_proba(numbers), atol=1e-5)
    for model in (dense().fit(X, y), make_pipeline(dense()).fit(X, y)):
        with pytest.raises(ModelFileError, match="columns of categories"):
            skloss.to_onnx(model, path, X=X)


def test_members_searches_and_pipelines_take_categories():
    X, y = frame()
    several = dense(n_members=3).fit(X, y)
    members = [member.predict_proba(X) for member in several.members_]
    wanted = np.mean(members, axis=0)
    np.testing.assert_allclose(several.predict_proba(X), wanted, atol=1e-6)
    search = GridSearchCV(dense(), {"categorical_features": [["city"], "from_dtype"]})
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    assert scores[0] == scores[1]
    pipeline = make_pipeline(dense(refit=True)).fit(X, y)
    assert pipeline[-1].record_.data["holdout"] == "pipeline"
    assert pipeline.predict_proba(X).shape == (N, 2)
    assert np.isfinite(cross_val_score(pipeline, X, y)).all()


def test_members_of_a_pipeline_know_the_categories_of_all_rows():
    X, y = frame()
    X.loc[5, "city"] = "Rome"  # in one row, which one member holds out
    members = make_pipeline(dense(n_members=10)).fit(X, y)[-1]
    assert members.categories_[0].tolist() == [*CITIES, "Rome"]
    tables = members.weights_[0]
    is_trained = np.abs(tables[:, 4]).max(axis=1) > 0
    held_out = [5 in m.record_.data["held_out_rows"] for m in members.members_]
    np.testing.assert_array_equal(is_trained, ~np.array(held_out))


def test_members_behind_a_sampler_know_the_categories_that_only_one_of_them_has():
    X, y = frame(gaps=False)
    X["city"] = [f"city {n}" for n in range(N)]
    steps = RandomUnderSampler(random_state=0), dense(n_members=3)
    members = make_pipeline(*steps).fit(X, y)[-1]
    known = set(members.categories_[0])
    taken = members.as_numbers(X)[:, 1]
    assert len(known) == np.count_nonzero(taken >= 0)
    for member in members.members_:
        # Those trained on have a vector of their own.
        n_trained = sum(member.record_.data["class_counts"]["trained"])
        vectors = member.weights_[0][: len(known)]
        assert np.count_nonzero(vectors.any(axis=1)) == n_trained


def test_sparse_rows_are_refused_behind_columns_of_categories():
    X, y = frame(gaps=False)
    fitted = DenseClassifier(epochs=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="pass dense rows"):
        fitted.predict(csr_array(np.zeros((2, 3))))
    fitted.fit(csr_array(X[["size", "age"]]), y)  # other rows in a new fit
    assert fitted.is_categorical_ is None


def test_samplers_may_repeat_categories_but_not_mix_them():
    X, y = frame()
    X["age"] = X["age"].fillna(0)
    X["city"] = X["city"].fillna("Bern")
    repeated = dense(sampler=RandomOverSampler()).fit(X, y)
    assert repeated.record_.data["samplers"] == ["RandomOverSampler"]
    dense(sampler=SMOTENC([1], k_neighbors=2)).fit(X, y)
    with pytest.raises(ValueError, match=r"SMOTE has mixed .* SMOTENC with .*\[1\]"):
        dense(sampler=SMOTE(k_neighbors=2)).fit(X, y)
    with pytest.raises(ValueError, match="which categories cannot be"):
        dense(balanced_batches="smote").fit(X, y)
    outside = make_pipeline(SMOTENC(["city"], k_neighbors=2), dense()).fit(X, y)
    assert outside[-1].record_.data["samplers"] == ["SMOTENC"]
    assert outside[-1].is_categorical_.tolist() == [False, True, False]


def test_partial_fit_keeps_the_categories_of_the_first_call():
    X, y = frame()
    parts = np.flatnonzero(X["city"] != "Oslo")[:60], np.arange(60, N)
    streamed = dense().partial_fit(X.iloc[parts[0]], y[parts[0]], classes=[0, 1])
    first = streamed.weights_[1].copy()
    streamed.partial_fit(X.iloc[parts[1]], y[parts[1]])
    assert streamed.categories_[0].tolist() == ["Bern", "Köln", "Lódź"]
    np.testing.assert_array_equal(streamed.weights_[1], first)
    assert np.abs(streamed.weights_[0][3]).min() > 0  # "Oslo" trains "unknown"
    declared = X.astype({"city": pd.CategoricalDtype(CITIES)}).iloc[parts[0]]
    streamed = dense().partial_fit(declared, y[parts[0]], classes=[0, 1])
    assert streamed.categories_[0].tolist() == CITIES.tolist()
    warm = dense(warm_start=True).fit(X, y).fit(X[X["city"] != "Oslo"], y[parts_of(X)])
    assert warm.categories_[0].tolist() == CITIES.tolist()


def parts_of(X):
    return np.flatnonzero(X["city"] != "Oslo")


def test_scorers_callbacks_and_the_diagnosis_see_rows_as_given():
    X, y = frame()
    seen = []

    def accuracy(estimator, rows, labels):
        seen.append(rows)
        return estimator.score(rows, labels)

    fitted = dense(scoring={"own": accuracy}).fit(X, y)
    assert set(seen[0]["city"].dropna()) <= set(CITIES)
    held = fitted.record_.data["held_out_rows"]
    assert fitted.history_["val_own"][-1] == fitted.score(X.iloc[held], y[held])
    assert fitted.history_["val_own"] == fitted.history_["val_accuracy"]
    diagnosis = skloss.diagnose(fitted, X, y, X_val=X[:40], y_val=y[:40])
    found = {finding.name for finding in diagnosis.findings}
    assert not found & {"nan-in-inputs", "unscaled-inputs", "categorical-as-ordinal"}


def test_the_diagnosis_reads_numbers_and_codes_apart():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 10, 600)
    y = (np.isin(codes, [1, 4, 6]) & (rng.uniform(size=600) < 0.9)).astype(int)
    X = pd.DataFrame(rng.normal(size=(600, 2)), columns=["one", "two"])
    X["code"] = codes

    def found(X, **options):
        fitted = DenseClassifier(random_state=0, **options).fit(X, y)
        findings = skloss.diagnose(fitted, X, y).findings
        return {finding.name: finding.params for finding in findings}

    as_numbers, embedded = X, X.astype({"code": "category"})
    slow = {"epochs": 1, "learning_rate": 1e-3}
    assert "categorical-as-ordinal" in found(as_numbers, **slow)
    assert "categorical-as-ordinal" not in found(embedded, **slow)
    huge = embedded.assign(one=1e5 * X["one"])
    assert found(huge, epochs=5)["unscaled-inputs"] == {"scale_columns": "auto"}
    assert "unscaled-inputs" not in found(huge, epochs=5, scale_columns="auto")
    many = X.assign(code=pd.Categorical(rng.integers(0, 300, 600)))
    assert "unscaled-inputs" not in found(many, epochs=5)


def test_tags_say_what_is_taken():
    plain, gaps = DenseClassifier(), dense(categorical_features=None)
    trees = HistGradientBoostingClassifier()  # which has "from_dtype", too
    ours, theirs = get_tags(plain).input_tags, get_tags(trees).input_tags
    assert ours.categorical == theirs.categorical
    assert get_tags(dense(categorical_features=[0])).input_tags.categorical
    assert not get_tags(plain).input_tags.allow_nan
    assert not get_tags(gaps).input_tags.categorical
    assert get_tags(gaps).input_tags.allow_nan


def test_tables_of_numbers_have_no_further_layers():
    X, y = frame(gaps=False)
    numbers = X[["size", "age"]]
    fitted = dense(missing="error").fit(numbers, y)
    assert [type(layer) for layer in fitted.network_.layers] == [Dense, Dense]
    assert fitted.is_categorical_ is None
    assert fitted.categories_ == []


def test_dictionaries_of_arrow_are_categories():
    arrow = pytest.importorskip("pyarrow")
    y = np.arange(80) % 2
    names = pd.Series(np.array(["calm", "storm"])[y])
    kind = pd.ArrowDtype(arrow.dictionary(arrow.int32(), arrow.string()))
    tables = [pd.DataFrame({"sky": names.astype(t)}) for t in (kind, "category")]
    found = [
        DenseClassifier(epochs=2, random_state=0).fit(X, y).predict_proba(X)
        for X in tables
    ]
    np.testing.assert_array_equal(*found)
