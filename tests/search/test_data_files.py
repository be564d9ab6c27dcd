"""Tables as people have them: read rightly, or refused in one sentence."""

import gzip
import io
import os
import zipfile

import numpy as np
import pandas as pd
import pytest

from skloss.exceptions import DataFileError
from skloss.search.data_files import read_table
from skloss.search.memory import most_bytes

N = 40
Y = np.arange(N) % 4 == 0
LABELS = np.where(Y, "yes", "no")


def written(tmp_path, text, name="rows.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def frame(**columns):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=N).round(3), **columns, "y": LABELS})


def read(tmp_path, table, *, text_options=None, name="rows.csv", **options):
    """Read a table that pandas has written."""
    text = table.to_csv(index=False, **(text_options or {}))
    return read_table(written(tmp_path, text, name), "y", **options)


def noted(table, *words):
    (note,) = [note for note in table.notes if all(word in note for word in words)]
    return note


# ------------------------------------------------------- columns that must not be seen


def shuffled(values):
    return np.random.default_rng(1).permutation(values)


INDEX_LIKE = {
    "counts up": ("a1", np.arange(N) + 7, "counts the rows"),
    "counts down": ("a1", -2 * np.arange(N), "counts the rows"),
    "shuffled index": ("a1", shuffled(N) + 1, "like an index"),
    "id": ("customer_id", shuffled(N) * 13, "like an index"),
    "camel case": ("customerID", shuffled(N) * 13, "like an index"),
    "uuid": ("a1", [f"key-{i:x}" for i in range(N)], "another text in every row"),
    "free text": ("a1", [f"t{i // 1.5}" for i in range(N)], "different texts"),
    "empty": ("a1", [None] * N, "it is empty"),
    "copy": ("a1", Y.astype(int), "the target under another name"),
    "copy in words": ("a1", np.where(Y, "bad", "good"), "the target under another"),
}


@pytest.mark.parametrize(
    ("name", "values", "words"), INDEX_LIKE.values(), ids=list(INDEX_LIKE)
)
def test_a_column_that_tells_nothing_new_is_left_out_and_named(
    name, values, words, tmp_path
):
    table = read(tmp_path, frame(**{name: values}))
    assert list(table.X.columns) == ["a"]
    noted(table, repr(name), "left out", words)
    if "empty" not in words:
        assert list(read(tmp_path, frame(**{name: values}), keep=[name]).X) == [
            "a",
            name,
        ]


def test_the_index_that_to_csv_writes_is_left_out(tmp_path):
    path = written(tmp_path, frame().to_csv())
    table = read_table(path, "y")
    assert list(table.X.columns) == ["a"]
    noted(table, "'Unnamed: 0' is left out")


ORDINARY = {
    "measured": np.random.default_rng(2).normal(size=N),
    "whole numbers": np.random.default_rng(2).integers(0, 1000, N),
    "two values": np.arange(N) % 2,
    "three words": [("u", "v", "w")[i % 3] for i in range(N)],
}


@pytest.mark.parametrize("values", ORDINARY.values(), ids=list(ORDINARY))
def test_an_ordinary_column_is_kept_without_a_remark(values, tmp_path):
    table = read(tmp_path, frame(b=values))
    assert list(table.X.columns) == ["a", "b"]
    assert table.notes == ()


def test_a_column_may_be_left_out_by_name(tmp_path):
    assert list(read(tmp_path, frame(b=ORDINARY["measured"]), drop=["a"]).X) == ["b"]
    with pytest.raises(DataFileError, match="no column 'bb'; did you mean 'b'"):
        read(tmp_path, frame(b=ORDINARY["measured"]), drop=["bb"])


def test_a_column_that_separates_the_classes_is_named_but_kept(tmp_path):
    table = read(tmp_path, frame(refund=Y * 10 + np.arange(N) % 7))
    assert "refund" in table.X
    noted(table, "'refund' alone tells every class")


@pytest.mark.parametrize("mark", [-999, -9999, 99999])
def test_a_number_that_stands_for_missing_is_named(mark, tmp_path):
    values = np.random.default_rng(3).uniform(0, 4000 if mark < 0 else 400, N)
    values[[2, 5]] = mark
    table = read(tmp_path, frame(b=values))
    noted(table, "'b': 2 rows have", f"--missing={mark}")
    filled = read(tmp_path, frame(b=values), missing_values=[str(mark)])
    assert np.flatnonzero(filled.X["b"].isna()).tolist() == [2, 5]
    assert filled.notes == ()


# ------------------------------------------------------------------------------ labels


def labeled(tmp_path, labels):
    rows = "".join(f"{i * i % 7},{label}\n" for i, label in enumerate(labels))
    return read_table(written(tmp_path, f"a,y\n{rows}"), "y")


def test_blanks_around_labels_make_no_class(tmp_path):
    table = labeled(tmp_path, ["yes", "yes ", "no", " no", "no\u00a0"])
    assert table.y.tolist() == ["yes", "yes", "no", "no", "no"]
    assert "blanks" in noted(table, "'yes '")


def test_a_letter_with_its_accent_apart_makes_no_class(tmp_path):
    table = labeled(tmp_path, ["caf\u00e9", "cafe\u0301", "tea"])
    assert table.y.tolist() == ["caf\u00e9", "caf\u00e9", "tea"]
    noted(table, "are read as")


def test_01_and_1_are_one_class_and_said_to_be(tmp_path):
    table = labeled(tmp_path, ["01", "1", "0", "0"])
    assert table.y.tolist() == [1, 1, 0, 0]
    noted(table, "'01', '1'", "same number, 1")


def test_codes_keep_their_leading_zeros(tmp_path):
    assert labeled(tmp_path, ["01", "02", "10"]).y.tolist() == ["01", "02", "10"]


def test_labels_that_differ_in_case_are_named(tmp_path):
    table = labeled(tmp_path, ["Yes", "yes", "no"])
    assert len(set(table.y)) == 3
    noted(table, "'Yes', 'yes'", "only in case")


@pytest.mark.parametrize("label", ["None", "NA", "null", "nan", "N/A", "NULL"])
def test_none_and_na_are_labels(label, tmp_path):
    assert labeled(tmp_path, ["mild", label, "mild"]).y.tolist() == [
        "mild",
        label,
        "mild",
    ]


def test_na_beside_numbers_may_be_a_gap_and_is_refused(tmp_path):
    with pytest.raises(DataFileError, match=r"has numbers, but 'NA' in row 2; drop"):
        labeled(tmp_path, [0, "NA", 1])


def test_an_empty_label_is_missing(tmp_path):
    with pytest.raises(DataFileError, match="no value in row 2 of 3"):
        labeled(tmp_path, ["a", " ", "b"])


@pytest.mark.parametrize("typed", ["true", "True", "TRUE", "1"])
def test_a_boolean_label_may_be_typed_in_any_way(typed, tmp_path):
    path = written(tmp_path, "a,y\n1,True\n2,False\n3,True\n")
    assert read_table(path, "y", positive=typed).y.tolist() == [1, 0, 1]


# ------------------------------------------------------------------------------ values


def test_booleans_beside_numbers_are_0_and_1(tmp_path):
    flag = np.arange(N) % 3 == 0
    table = read(tmp_path, frame(flag=flag))
    assert table.X["flag"].tolist() == flag.astype(float).tolist()
    gaps = pd.Series(flag, dtype=object)
    gaps[4] = None
    assert np.flatnonzero(read(tmp_path, frame(flag=gaps)).X["flag"].isna()) == [4]


def test_booleans_of_parquet_are_0_and_1(tmp_path):
    flag = np.arange(N) % 3 == 0
    path = tmp_path / "rows.parquet"
    gaps = pd.array([None, *flag[1:]], dtype="boolean")
    frame(flag=flag, gaps=gaps).to_parquet(path)
    X = read_table(path, "y").X
    assert X["flag"].tolist() == flag.astype(float).tolist()
    assert X["gaps"].isna().tolist() == [True] + [False] * (N - 1)
    assert X["gaps"].tolist()[1:] == flag[1:].astype(float).tolist()


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.csv.gz"])
def test_the_separator_is_found(separator, name, tmp_path):
    given = frame(b=ORDINARY["measured"])
    text = given.to_csv(index=False, sep=separator)
    content = gzip.compress(text.encode()) if name.endswith("gz") else text
    table = read_table(written(tmp_path, content, name), "y")
    np.testing.assert_array_equal(table.X, given[["a", "b"]])
    assert table.y.tolist() == LABELS.tolist()


def test_decimal_commas_and_thousands_are_read_as_a_german_writes_them(tmp_path):
    given = frame(b=np.random.default_rng(0).uniform(0, 1e6, N).round(2))
    german = given.copy()
    for name in "ab":
        texts = [f"{value:,.{3 if name == 'a' else 2}f}" for value in given[name]]
        german[name] = [t.translate(str.maketrans(",.", ".,")) for t in texts]
    german["whole"] = [f"{1000 * i * i % 7919:,}".replace(",", ".") for i in range(N)]
    table = read(tmp_path, german, text_options={"sep": ";"})
    np.testing.assert_array_equal(table.X[["a", "b"]], given[["a", "b"]])
    assert table.X["whole"].tolist() == [1000 * i * i % 7919 for i in range(N)]


def test_points_in_a_file_of_commas_stay_decimal_points(tmp_path):
    text = "a;b;y\n" + "1,5;1.234;0\n2,5;0.5;1\n"
    assert read_table(written(tmp_path, text), "y").X["b"].tolist() == [1.234, 0.5]


CONVERTED = {
    "question mark": (["?", "1", "2"], [np.nan, 1, 2]),
    "dash": (["-", "1", "-2.5"], [np.nan, 1, -2.5]),
    "thousands": (["1,234", "5", "1,234,567.5"], [1234, 5, 1234567.5]),
    "percent": (["5%", "12.5 %", "3"], [0.05, 0.125, 3]),
    "exponent": (["1e-3", "?", "2E2"], [0.001, np.nan, 200]),
    "blanks": ([" 1", "2 ", "?"], [1, 2, np.nan]),
    "NaN": (["NaN", "1", "2"], [np.nan, 1, 2]),
}


@pytest.mark.parametrize(("texts", "values"), CONVERTED.values(), ids=list(CONVERTED))
def test_a_number_in_the_form_of_a_text_is_converted(texts, values, tmp_path):
    rows = "".join(f'{i},"{text}",{i % 2}\n' for i, text in enumerate([*texts, "7"]))
    table = read_table(written(tmp_path, f"i,a,y\n{rows}"), "y")
    np.testing.assert_allclose(table.X["a"], [*values, 7])


DATES = {
    "ISO": ["2024-03-01", "2024-12-31"],
    "ISO with time": ["2024-03-01T00:00:00Z", "2024-12-31 00:00"],
    "points": ["01.03.2024", "31.12.2024"],
    "day first": ["01/03/2024", "31/12/2024"],
    "month first": ["03/01/2024", "12/31/2024"],
}


@pytest.mark.parametrize("texts", DATES.values(), ids=list(DATES))
def test_a_date_is_read_where_its_order_is_certain(texts, tmp_path):
    rows = f"1,{texts[0]},0\n2,{texts[1]},1\n3,,1\n4,{texts[0]},1\n"
    at = read_table(written(tmp_path, f"i,at,y\n{rows}"), "y").X["at"]
    expected = pd.to_datetime(["2024-03-01", "2024-12-31", None, "2024-03-01"])
    assert at.dtype.kind == "M"
    pd.testing.assert_index_equal(
        pd.DatetimeIndex(at.array), expected.as_unit(at.dt.unit), check_names=False
    )


def odd_number(tmp_path):
    values = [str(i * 7 % 40) for i in range(N)]
    values[11] = "12 kg"
    return frame(b=values)


REFUSED = {
    "one text": (odd_number, "column 'b' has numbers, but '12 kg' in row 12"),
    "day or month": (
        lambda _: frame(b=["03/04/2024", "05/06/2024"] * (N // 2)),
        "column 'b', '03/04/2024' \\(row 1\\) may begin with the day or with the month",
    ),
    "no date": (
        lambda _: frame(b=["2024-02-30", "2024-02-28"] * (N // 2)),
        "column 'b' has dates, but '2024-02-30' in row 1 is none",
    ),
    "infinite": (
        lambda _: frame(b=[np.inf, *ORDINARY["measured"][1:]]),
        "infinite values in 'b' \\(first in row 1\\)",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=list(REFUSED))
def test_an_unclear_value_is_refused_with_column_value_and_row(make, words, tmp_path):
    with pytest.raises(DataFileError, match=words):
        read(tmp_path, make(tmp_path))


def test_a_comma_that_may_be_decimal_or_of_thousands_is_refused(tmp_path):
    path = written(tmp_path, "a;y\n1,234;0\n2,345;1\n")
    with pytest.raises(DataFileError, match=r"'1,234' .* may be 1\.234 or 1234; write"):
        read_table(path, "y")


def test_numbers_of_two_styles_are_refused(tmp_path):
    path = written(tmp_path, "a;b;y\n1,5;1,234.5;0\n2,5;2,345.5;1\n")
    with pytest.raises(DataFileError, match=r"'1,5' .* but separates thousands in"):
        read_table(path, "y")


@pytest.mark.parametrize("series", [True, False])
def test_gaps_are_refused_in_a_series_only(series, tmp_path):
    given = frame()
    given.loc[3, "a"] = np.nan
    if series:
        with pytest.raises(DataFileError, match=r"in 'a' \(first in row 4 of 40\)"):
            read(tmp_path, given, series=True)
    else:
        assert read(tmp_path, given).X["a"].isna().sum() == 1


def test_a_separator_at_the_end_of_each_row_is_no_column(tmp_path):
    text = "a,b,y\n" + "1,2,0,\n3,5,1,\n" * 3
    table = read_table(written(tmp_path, text), "y")
    assert table.X.to_numpy().tolist() == [[1, 2], [3, 5]] * 3
    assert table.y.tolist() == [0, 1] * 3
    noted(table, "Each row ends with ','")


def test_row_names_without_a_header_are_left_out(tmp_path):
    text = "a,b,y\n" + "".join(f"r{i},{i},{i + 2},{i % 2}\n" for i in range(4))
    table = read_table(written(tmp_path, text), "y")
    assert table.X.to_numpy().tolist() == [[i, i + 2] for i in range(4)]
    noted(table, "looks like row names")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_that_names_its_encoding_is_read(encoding, tmp_path):
    path = written(tmp_path, "é,y\n1,0\n2,1\n".encode(encoding))
    assert list(read_table(path, "y").X) == ["é"]


# ------------------------------------------------------------------------------ arrays


def test_labels_in_one_column_are_read_as_labels(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(6, 2)), np.arange(6) % 2
    np.savez(tmp_path / "rows.npz", X=X, y=y[:, None])
    np.testing.assert_array_equal(read_table(tmp_path / "rows.npz").y, y)


def test_arrays_of_other_names_are_found_by_their_shapes(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(6, 4, 2)), np.arange(6) % 2
    np.savez(tmp_path / "rows.npz", series=X, kind=y[:, None])
    table = read_table(tmp_path / "rows.npz")
    np.testing.assert_array_equal(table.X, X.reshape(6, 8))
    assert (table.target_name, table.n_channels) == ("kind", 2)
    np.testing.assert_array_equal(table.y, y)


def test_one_array_is_a_table_with_numbered_columns(tmp_path):
    rows = np.random.default_rng(0).normal(size=(6, 3))
    rows[:, 1] = [0, 1] * 3
    np.save(tmp_path / "rows.npy", rows)
    table = read_table(tmp_path / "rows.npy", "1")
    np.testing.assert_array_equal(table.X, rows[:, [0, 2]])
    assert table.y.tolist() == [0, 1] * 3


def bomb(path, name="X", shape=(1 << 22, 1 << 18)):
    """Write an archive of which one array claims more than any memory."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        header = io.BytesIO()
        about = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, about)
        archive.writestr(f"{name}.npy", header.getvalue() + bytes(1 << 20))


def test_an_array_that_claims_more_than_the_file_has_is_refused(tmp_path):
    bomb(tmp_path / "rows.npz")
    with pytest.raises(DataFileError, match=r"not a complete \.npz archive"):
        read_table(tmp_path / "rows.npz", "X")


@pytest.mark.parametrize("name", ["rows.npz", "rows.npy", "rows.csv.gz"])
def test_content_larger_than_the_memory_is_refused_unread(name, tmp_path, monkeypatch):
    monkeypatch.setattr("skloss.search.array_files.most_bytes", lambda: 1000)
    monkeypatch.setattr("skloss.search.text_tables.most_bytes", lambda: 1000)
    path, rows = tmp_path / name, np.zeros((500, 2))
    if name.endswith("npz"):
        np.savez_compressed(path, X=rows, y=np.arange(500) % 2)
    elif name.endswith("npy"):
        np.save(path, rows)
    else:
        path.write_bytes(gzip.compress(b"a,y\n" + b"1,0\n2,1\n" * 500))
    with pytest.raises(DataFileError, match="half of the memory"):
        read_table(path, "y")


def test_half_of_the_memory_is_the_limit():
    if not hasattr(os, "sysconf"):
        pytest.skip("this system does not tell its memory")
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    assert most_bytes() == pages * size // 2


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(DataFileError, match="a pipe or a device, not a file"):
        read_table(tmp_path / "rows.csv", "y")
