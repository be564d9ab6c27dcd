"""Sources give the rows that are there, and say in one sentence what they cannot."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from skloss import streams
from skloss.streams import RowSource
from skloss.streams.counted import CountedRows, count_rows

N = 5000
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 30)).astype(np.float32)  # several blocks of 65,536 values
LABELS = np.where(RNG.random(N) < 0.2, "storm", "calm")


def counted(rows: RowSource) -> CountedRows:
    return count_rows(rows, np.asarray)


def all_values(rows: CountedRows) -> np.ndarray:
    return np.concatenate([x for _, x in rows.values(range(len(rows.lengths)))])


def mapped(tmp_path, name, array):
    np.save(tmp_path / name, array)
    return np.load(tmp_path / name, mmap_mode="r")


def frame(n: int = N) -> pd.DataFrame:
    return pd.DataFrame(X[:n]).add_prefix("c").assign(weather=LABELS[:n])


def as_files(folder, table: pd.DataFrame, n_files: int = 3, row_group_size=700):
    folder.mkdir(exist_ok=True)
    for number, part in enumerate(np.array_split(np.arange(len(table)), n_files)):
        rows = table.iloc[part]
        path = folder / f"part-{number}.parquet"
        rows.to_parquet(path, index=False, row_group_size=row_group_size)
    return folder


def pairs(size: int):
    for first in range(0, N, size):
        yield X[first : first + size], LABELS[first : first + size]


def sources(tmp_path):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((X, LABELS == "storm"))
    return {
        "mapped": streams.array_rows(mapped(tmp_path, "X.npy", X), LABELS),
        "array": streams.array_rows(X, LABELS),
        "folder": streams.parquet_rows(as_files(tmp_path / "p", frame()), "weather"),
        "blocks": streams.block_rows(lambda: pairs(640)),
        "small blocks": streams.block_rows(lambda: pairs(7)),
        "tf.data": streams.tf_data_rows(dataset.batch(64)),
    }


def test_every_source_gives_the_rows_and_counts_them_exactly(tmp_path):
    for name, rows in sources(tmp_path).items():
        found = counted(rows)
        assert len(found) == N, name
        classes = [False, True] if name == "tf.data" else ["calm", "storm"]
        assert found.classes.tolist() == classes, name
        np.testing.assert_array_equal(found.codes, LABELS == "storm", err_msg=name)
        assert found.lengths.sum() == N
        np.testing.assert_array_equal(all_values(found), X, err_msg=name)


def test_small_blocks_are_put_together_and_large_ones_stay():
    rows = streams.block_rows(lambda: pairs(7))
    assert counted(rows).lengths.tolist() == [2184, 2184, 632]  # 65,536 // 30
    assert (
        counted(streams.block_rows(lambda: pairs(2500))).lengths.tolist() == [2500] * 2
    )


def test_a_source_that_can_seek_gives_blocks_in_any_order(tmp_path):
    found = counted(streams.parquet_rows(as_files(tmp_path, frame()), "weather"))
    assert found.lengths.tolist() == [700, 700, 267] * 2 + [700, 700, 266]
    (number, last), (other, first) = found.values([8, 0])
    assert (number, other) == (8, 0)
    np.testing.assert_array_equal(last, X[-266:])
    np.testing.assert_array_equal(first, X[:700])


@pytest.mark.parametrize("part", [slice(None), slice(1000, 4000), slice(None, None, 3)])
def test_a_part_of_a_mapped_file_is_read_in_its_place(tmp_path, part):
    X_mapped, y_mapped = mapped(tmp_path, "X.npy", X), mapped(tmp_path, "y.npy", LABELS)
    found = counted(streams.array_rows(X_mapped[part], y_mapped[part]))
    np.testing.assert_array_equal(all_values(found), X[part])
    np.testing.assert_array_equal(found.classes[found.codes], LABELS[part])


def test_changes_of_a_mapped_copy_stay(tmp_path):
    np.save(tmp_path / "X.npy", X)
    copy = np.load(tmp_path / "X.npy", mmap_mode="c")
    copy[:10] = 7
    found = counted(streams.array_rows(copy, LABELS))
    for _ in range(2):
        assert (all_values(found)[:10] == 7).all()


def test_more_classes_than_a_byte_holds_are_counted():
    y = np.arange(N) % 300
    found = counted(streams.array_rows(X, y))
    assert found.codes.dtype == np.int32
    np.testing.assert_array_equal(found.classes[found.codes], y)


def test_a_byte_a_row_is_kept():
    assert counted(streams.array_rows(X, LABELS)).codes.dtype == np.int8


def test_groups_are_numbered_in_the_order_of_their_names(tmp_path):
    people = np.array(["zoe", "amy", "bob"])[RNG.integers(3, size=N)]
    table = frame().assign(person=people)
    folder = as_files(tmp_path / "p", table)
    for rows in (
        streams.array_rows(X, LABELS, groups=people),
        streams.parquet_rows(folder, "weather", groups="person"),
    ):
        expected = np.unique(people, return_inverse=True)[1]
        np.testing.assert_array_equal(counted(rows).group_of, expected)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.arange(N, dtype=np.int64) + 2**40, None),
        (np.arange(N) % 2 == 0, np.float32(np.arange(N) % 2 == 0)),
        (pd.array([None, 1, 2, 3, 4] * (N // 5), "Int64"), [np.nan, 1, 2, 3, 4]),
        (pd.Series(np.arange(N) / 7, dtype="float64"), None),
    ],
    ids=["large int", "bool", "missing int", "double"],
)
def test_columns_of_parquet_keep_their_values(tmp_path, column, expected):
    table = frame().assign(c0=column)
    found = counted(streams.parquet_rows(as_files(tmp_path, table), "weather"))
    expected = np.asarray(column, float) if expected is None else expected
    expected = np.tile(expected, N // len(expected))
    np.testing.assert_array_equal(all_values(found)[:, 0], expected)


def test_folders_of_parquet_tell_columns_by_their_names(tmp_path):
    for year in (2025, 2026):
        as_files(tmp_path / f"year={year}", frame(900), 1)
    rows = streams.parquet_rows(tmp_path, "weather")
    assert rows.names[-1] == "year"
    years = all_values(counted(rows))[:, -1]
    np.testing.assert_array_equal(years, np.repeat([2025, 2026], 900))


@pytest.mark.parametrize("kinds", [("int64", "float64"), ("float32", "int64")])
def test_files_may_have_numbers_of_other_types(tmp_path, kinds):
    whole = np.arange(N, dtype=np.int64) + 2**30
    for number, kind in enumerate(kinds):
        values = whole + 0.5 if kind == "float64" else whole
        table = frame().assign(c0=values.astype(kind))
        table.to_parquet(tmp_path / f"part-{number}.parquet", index=False)
    found = all_values(counted(streams.parquet_rows(tmp_path, "weather")))[:, 0]
    second = whole + 0.5 if kinds[1] == "float64" else whole
    np.testing.assert_array_equal(found[N:], second)
    np.testing.assert_array_equal(found[:N], whole.astype(kinds[0]))


def test_a_dataset_of_pyarrow_is_taken_as_it_is(tmp_path):
    import pyarrow.dataset as ds

    dataset = ds.dataset(as_files(tmp_path, frame()), format="parquet")
    columns = ["c2", "c1"]
    found = counted(streams.parquet_rows(dataset, "weather", columns=columns))
    np.testing.assert_array_equal(all_values(found), X[:, [2, 1]])
    table = ds.dataset(dataset.to_table())
    found = counted(streams.parquet_rows(table, "weather"))
    np.testing.assert_array_equal(all_values(found), X)


# ----------------------------------------------------------------------------- refusals


def refuses(match: str, error: type[Exception] = ValueError):
    return pytest.raises(error, match=match)


def test_an_empty_folder_is_refused(tmp_path):
    with refuses("has no Parquet files in it"):
        streams.parquet_rows(tmp_path, "weather")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with refuses("There is no file or folder", FileNotFoundError):
        streams.parquet_rows(tmp_path / "nowhere", "weather")


def test_a_file_of_another_kind_is_refused(tmp_path):
    as_files(tmp_path, frame())
    (tmp_path / "part-3.parquet").write_text("a,b\n1,2\n")
    with refuses(r"Cannot read .*part-3.parquet"):
        streams.parquet_rows(tmp_path, "weather")


def test_a_target_that_is_not_there_is_refused_with_the_nearest(tmp_path):
    with refuses("target='wether' is not a column.*Did you mean 'weather'"):
        streams.parquet_rows(as_files(tmp_path, frame()), "wether")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.drop(columns="c3"), r"part-1.parquet has no column 'c3'"),
        (lambda t: t.assign(extra=1.0), r"part-1.parquet has a column 'extra'"),
        (lambda t: t.assign(c2="x"), r"'c2' of .*part-1.parquet hold no numbers"),
    ],
)
def test_files_with_other_columns_are_refused(tmp_path, change, match):
    as_files(tmp_path, frame(), 1)
    change(frame(100)).to_parquet(tmp_path / "part-1.parquet", index=False)
    with refuses(match):
        streams.parquet_rows(tmp_path, "weather")


def test_columns_of_texts_are_refused(tmp_path):
    folder = as_files(tmp_path, frame().assign(city="Rome"))
    with refuses(r"columns 'city' hold no numbers \('city' has the type .*string"):
        streams.parquet_rows(folder, "weather")
    found = streams.parquet_rows(folder, "weather", columns=["c0", "c1"])
    assert found.names == ("c0", "c1")


def test_without_pyarrow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.dataset", None)
    with refuses(r"pip install \"skloss\[parquet\]\"", ImportError):
        streams.parquet_rows("folder", "weather")


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: streams.array_rows(X[:, 0], LABELS), "X has shape"),
        (lambda: streams.array_rows(X, LABELS[:9]), "y has 9 entries, but X has 5000"),
        (lambda: streams.array_rows(X, 5), "y has no entries, but X has 5000"),
        (lambda: streams.array_rows(csr_matrix(X), LABELS), "no sparse matrix"),
        (lambda: streams.array_rows(X, LABELS, buffer_rows=0), "whole number"),
        (lambda: streams.parquet_rows(None, "y"), "takes a path.*got a NoneType"),
        (lambda: streams.parquet_rows("s3://a/b", "y"), "got 's3://a/b': pass pyarr"),
        (lambda: streams.block_rows(pairs(9)), "a function without arguments"),
        (lambda: counted(streams.block_rows(lambda: None)), "returned a NoneType"),
        (lambda: streams.tf_data_rows(X), "takes a tf.data.Dataset"),
    ],
)
def test_what_is_no_source_is_refused(make, match):
    with pytest.raises((TypeError, ValueError), match=match):
        make()


def test_datasets_that_give_single_rows_or_have_no_end_are_refused():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((X, LABELS == "storm"))
    with refuses(r"batch\(512\)"):
        streams.tf_data_rows(dataset)
    with refuses(r"leave its repeat\(\) out"):
        streams.tf_data_rows(dataset.batch(64).repeat())
    weighted = tf.data.Dataset.from_tensor_slices((X, LABELS, X[:, 0])).batch(64)
    with refuses("leave weights to class_weight"):
        streams.tf_data_rows(weighted)


@pytest.mark.parametrize(
    ("blocks", "match"),
    [
        ([], "There are no rows"),
        ([(X, LABELS), (X[:, :3], LABELS)], "In rows 5000 to 9999 X has the shape"),
        ([(X, LABELS[:9])], "give X of shape"),
        ([(X, LABELS), (X, np.arange(N) % 2)], "y has texts in some blocks"),
        ([(X.astype(str), LABELS)], "give blocks of numbers"),
        ([X], "In rows 0 to 4999 there are no labels"),
        ([(X, LABELS, X[:, 0])], "A block has 3 parts"),
        ([(X[:9], LABELS[:9]), X], "In rows 9 to 5008 there are no labels"),
        ([(frame()[["c0", "c1"]], LABELS), (frame()[["c1", "c0"]], LABELS)], "same or"),
        ([(frame()[["c0", "c1"]], LABELS), (X[:, :2], LABELS)], "no names of columns"),
        ([(X, np.arange(N) + 2**53), (X, np.ones(N))], "y has the types float64 and i"),
    ],
    ids=[
        *("none", "width", "length", "types", "texts", "labels", "weights"),
        *("labels of some", "order of columns", "names of some", "large numbers"),
    ],
)
def test_blocks_that_do_not_go_together_are_refused(blocks, match):
    with refuses(match):
        counted(streams.block_rows(lambda: blocks))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.arange(N) + 2**60, (np.arange(N) + 2**61).astype(np.uint64)),
        (np.arange(N).astype("M8[ns]"), np.arange(N).astype("M8[us]")),
    ],
    ids=["large numbers", "times"],
)
@pytest.mark.filterwarnings("error")
def test_groups_that_no_common_type_holds_are_refused(first, second):
    class Grouped(RowSource):
        has_groups = True

        def blocks(self):
            yield streams.Block(X, LABELS, first)
            yield streams.Block(X, LABELS, second)

    with refuses(r"groups has the types .* and .* in its blocks"):
        counted(Grouped())


@pytest.mark.parametrize(
    ("block", "match"),
    [
        ((X, LABELS), "gave a tuple: let it give skloss.streams.Block"),
        (streams.Block(X, LABELS), "groups has no entries for 5000 rows"),
        (streams.Block(X, LABELS, LABELS[:9]), "groups has 9 entries for 5000 rows"),
        (streams.Block(X, LABELS[:9], LABELS), "y has 9 entries for 5000 rows"),
    ],
)
def test_a_source_of_your_own_must_give_whole_blocks(block, match):
    class Own(RowSource):
        has_groups = True

        def blocks(self):
            yield block

    with pytest.raises((TypeError, ValueError), match=match):
        counted(Own())
    if not isinstance(block, streams.Block):
        for read in (Own().labels, lambda: Own().mapped(len)):
            with pytest.raises(TypeError, match=match):
                read()


@pytest.mark.parametrize("labels", [None, LABELS[:3]])
def test_labels_are_one_for_each_row(labels):
    class Own(RowSource):
        def blocks(self):
            yield streams.Block(X, LABELS)
            yield streams.Block(X[:0])
            yield streams.Block(X, LABELS if labels is None else labels)

    rows = Own()
    if labels is None:
        np.testing.assert_array_equal(rows.labels(), np.tile(LABELS, 2))
    else:
        with pytest.raises(ValueError, match="there is not one label for each row"):
            rows.labels()


@pytest.mark.parametrize("make", [streams.array_rows, None])
def test_frames_may_have_numbers_of_several_types(make):
    flags, gaps = X[:, 1] > 0, pd.array([None, 1, 2, 3, 4] * (N // 5), "Int64")
    table = pd.DataFrame({"a": X[:, 0], "flag": flags, "gaps": gaps})
    rows = (
        make(table, LABELS) if make else streams.block_rows(lambda: [(table, LABELS)])
    )
    expected = np.column_stack([X[:, 0], flags, np.tile([np.nan, 1, 2, 3, 4], N // 5)])
    np.testing.assert_array_equal(all_values(counted(rows)), expected)


def test_blocks_that_are_frames_keep_the_names_of_their_columns():
    table = frame().drop(columns="weather")
    rows = streams.block_rows(lambda: [(table[:90], LABELS[:90])])
    assert counted(rows).source.names == tuple(table.columns)
    plain = streams.block_rows(lambda: [(pd.DataFrame(X), LABELS)])
    assert counted(plain).source.names is None


def test_labels_of_small_blocks_may_be_columns():
    blocks = [(X[:9], LABELS[:9, None]), (X[9:20], LABELS[9:20])]
    rows = count_rows(streams.block_rows(lambda: blocks), np.ravel)
    np.testing.assert_array_equal(rows.classes[rows.codes], LABELS[:20])


def test_columns_that_are_named_twice_are_refused(tmp_path):
    with refuses("columns has 'c0' twice"):
        streams.parquet_rows(as_files(tmp_path, frame()), columns=["c0", "c0"])


def test_a_column_of_groups_can_be_one_of_the_values_too(tmp_path):
    table = frame().assign(person=np.arange(N) // 10)
    rows = streams.parquet_rows(
        as_files(tmp_path, table), "weather", groups="person", columns=["c0", "person"]
    )
    found = counted(rows)
    np.testing.assert_array_equal(all_values(found)[:, 1], np.arange(N) // 10)
    np.testing.assert_array_equal(found.group_of, np.arange(N) // 10)


def test_rows_without_labels_are_refused_before_they_are_read():
    with refuses("The rows have no labels"):
        counted(streams.array_rows(X))


@pytest.mark.parametrize("change", ["order", "fewer", "more", "value"])
def test_rows_that_change_between_passes_are_refused(change):
    n_passes = 0

    def blocks():
        nonlocal n_passes
        n_passes += 1
        parts = list(pairs(2500))
        if n_passes > 1 and change == "order":
            parts = parts[::-1]
        if n_passes > 1 and change == "fewer":
            parts = parts[:1]
        if n_passes > 1 and change == "more":
            parts += parts[:1]
        if n_passes > 1 and change == "value":
            parts[1] = (parts[1][0] + np.float32(1e-3), parts[1][1])
        yield from parts

    found = counted(streams.block_rows(blocks))
    with refuses("The rows have changed since the first pass, which had 5000"):
        all_values(found)


def test_a_mapped_file_that_is_cut_meanwhile_is_refused(tmp_path):
    found = counted(streams.array_rows(mapped(tmp_path, "X.npy", X), LABELS))
    with (tmp_path / "X.npy").open("r+b") as file:
        file.truncate(1000)
    with refuses("The file of X has become shorter"):
        all_values(found)


def test_a_mapped_file_that_is_written_to_meanwhile_is_refused(tmp_path):
    np.save(tmp_path / "X.npy", X)
    written = np.load(tmp_path / "X.npy", mmap_mode="r+")
    found = counted(streams.array_rows(written, LABELS))
    written[3000, 5] += 1
    with refuses("in rows 2184 to 4367 there are others now"):
        all_values(found)
