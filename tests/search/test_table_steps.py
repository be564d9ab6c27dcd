"""The steps before the network, for tables of numbers, dates and categories."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import matthews_corrcoef

from skloss import DenseClassifier, Pipeline
from skloss.cli_options import make_parser
from skloss.search.data_files import LabeledRows
from skloss.search.plan import plan_search
from skloss.search.table_steps import date_parts, describe_steps

pytestmark = pytest.mark.usefixtures("sketched")


N = 120


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    y = np.arange(N) % 4 == 0
    size = rng.normal(size=N) + y
    size[[4, 9]] = np.nan
    return LabeledRows(
        pd.DataFrame(
            {
                "size": size,
                "city": np.where(rng.random(N) < 0.3, "Bern", "Basel").astype(object),
                "kind": [None, *rng.choice(["u", "v", "w"], N - 1)],
                "at": pd.Timestamp("2024-01-01")
                + pd.to_timedelta(rng.integers(0, 300, N), unit="D"),
            }
        ),
        y.astype(int),
        None,
        "y",
    )


def planned(rows, *options):
    typed = ["search", "x.csv", "--model", "dense", "--grid", "epochs=2", *options]
    return plan_search(make_parser().parse_args(typed), rows)


def names(search):
    return [type(step).__name__ for _, step in search.pipeline.steps]


def only(rows, *columns):
    return LabeledRows(rows.X[list(columns)], rows.y, None, "y")


def test_smote_gives_way_to_a_sampler_that_knows_categories(rows):
    table = "ColumnTransformer"
    assert names(planned(rows)) == [table, "SMOTENC", table, "DenseClassifier"]
    words = planned(only(rows, "city", "kind"))
    assert names(words) == [table, "SMOTEN", table, "DenseClassifier"]
    other = planned(rows, "--sampler", "RandomOverSampler")
    assert names(other) == [table, "RandomOverSampler", "DenseClassifier"]
    assert names(planned(rows, "--sampler", "none")) == [table, "DenseClassifier"]
    dates = planned(only(rows, "size", "at"))
    assert names(dates) == [table, "SMOTE", "DenseClassifier"]


def test_numbers_need_a_scaler_and_gaps_an_imputer(rows):
    assert names(planned(only(rows, "size")))[:2] == ["SimpleImputer", "StandardScaler"]
    whole = LabeledRows(rows.X[["size"]].fillna(0.0), rows.y, None, "y")
    assert names(planned(whole)) == ["StandardScaler", "SMOTE", "DenseClassifier"]


def test_no_row_lies_between_two_categories(rows):
    pipeline = planned(rows).pipeline
    X, y = pipeline.named_steps["table"].fit_transform(rows.X), rows.y
    new, labels = pipeline.named_steps["smotenc"].fit_resample(X, y)
    assert np.bincount(labels).tolist() == [90, 90]
    spread = pipeline.named_steps["onehot"].fit_transform(new)
    # Two cities, and three kinds with the missing one.
    one_hot = spread[:, :6]
    assert set(np.unique(one_hot)) == {0.0, 1.0}
    np.testing.assert_array_equal(one_hot[:, :2].sum(axis=1), 1)
    np.testing.assert_array_equal(one_hot[:, 2:].sum(axis=1), 1)


@pytest.mark.parametrize("sampler", ["smote", "none"])
def test_the_columns_are_those_of_pandas_by_hand(sampler, rows):
    pipeline = planned(rows, "--sampler", sampler).pipeline
    X = rows.X
    for name, step in pipeline.steps[:-1]:
        if name != "smotenc":
            X = step.fit_transform(X)
    one_hot = [rows.X["city"] == city for city in ("Basel", "Bern")]
    one_hot += [rows.X["kind"] == kind for kind in "uvw"] + [rows.X["kind"].isna()]
    expected = {tuple(np.asarray(column, float)) for column in one_hot}
    assert {tuple(column) for column in X.T[:6]} == expected
    size = rows.X["size"].fillna(rows.X["size"].median())
    np.testing.assert_allclose(X[:, 6], (size - size.mean()) / size.std(ddof=0))
    gap = rows.X["size"].isna().to_numpy(float)
    np.testing.assert_allclose(X[:, 7], (gap - gap.mean()) / gap.std())
    month = rows.X["at"].dt.month
    np.testing.assert_allclose(X[:, 9], (month - month.mean()) / month.std(ddof=0))
    assert X.shape[1] == 6 + 2 + 4


def test_a_category_that_was_not_seen_is_none_of_the_others(rows):
    for sampler in ("smote", "none"):
        pipeline = planned(rows, "--sampler", sampler).pipeline
        steps = [step for name, step in pipeline.steps[:-1] if name != "smotenc"]
        X, new = rows.X, rows.X.head(3).assign(city="Chur")
        for step in steps:
            X, new = step.fit_transform(X), step.transform(new)
        np.testing.assert_array_equal(new[:, :2], 0)


def test_rare_categories_share_a_column(rows):
    many = [f"t{i % 50}" for i in range(N)]
    table = LabeledRows(rows.X.assign(city=many), rows.y, None, "y")
    search = planned(table, "--sampler", "none")
    X = search.pipeline.named_steps["table"].fit_transform(table.X)
    np.testing.assert_array_equal(X[:, :30].sum(axis=1), 1)


def test_a_date_has_an_hour_only_where_times_were_given(rows):
    dates = rows.X[["at"]]
    assert date_parts(dates).shape == (N, 4)
    hours = dates + pd.Timedelta(hours=6, minutes=30)
    table = LabeledRows(rows.X.assign(at=hours["at"]), rows.y, None, "y")
    (_, made, _) = planned(table).pipeline.named_steps["table"].transformers[-1]
    parts = made.steps[0][1].fit_transform(hours)
    assert parts.shape == (N, 5)
    np.testing.assert_array_equal(parts[:, 4], 6.5)
    assert np.isnan(date_parts(pd.DataFrame({"at": [pd.NaT]}))).all()


def test_the_output_names_what_is_done_to_each_kind(rows):
    steps, kinds = describe_steps(planned(rows).pipeline)
    assert steps == (
        "Pipeline(ColumnTransformer, SMOTENC, ColumnTransformer, DenseClassifier)"
    )
    assert kinds == [
        "2 columns of categories: OneHotEncoder behind the sampler",
        "1 column of numbers: SimpleImputer, StandardScaler",
        "1 column of dates: date_parts, SimpleImputer, StandardScaler",
    ]


def test_a_fold_is_fitted_on_its_training_rows_only(rows):
    search = planned(rows, "--folds", "2", "--grid", "width=4")
    result = search.run(rows.X, rows.y)
    train, test = search.splits[0]
    alone = clone(search.pipeline).set_params(**result.candidates[0])
    alone.fit(rows.X.iloc[train], rows.y[train])
    expected = matthews_corrcoef(rows.y[test], alone.predict(rows.X.iloc[test]))
    assert result.folds[0, 0].scores["mcc"] == pytest.approx(expected)
    assert isinstance(alone, Pipeline)
    assert isinstance(alone.steps[-1][1], DenseClassifier)
