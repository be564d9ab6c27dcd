"""A file is written as a whole, or the old one survives."""

import errno
import os
import stat

import pytest

from skloss import TrainingRecord
from skloss.whole_files import write_whole


@pytest.fixture
def full_disk(monkeypatch):
    def refuse(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.mark.parametrize("old", [None, "old"])
def test_a_full_disk_leaves_the_old_file(old, tmp_path, full_disk):
    path = tmp_path / "page.html"
    if old:
        path.write_text(old)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == (["page.html"] if old else [])
    assert not old or path.read_text() == old


def test_a_record_and_a_report_survive_a_full_disk(tmp_path, monkeypatch):
    import skloss

    record = TrainingRecord(history={"loss": [0.7, 0.5]})
    page = skloss.report(record)
    record.save(tmp_path / "record.json")
    page.save(tmp_path / "page.html")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space left"):
        TrainingRecord(history={"loss": [9.0]}).save(tmp_path / "record.json")
    with pytest.raises(OSError, match=r"cannot be written to .*No space left"):
        page.save(tmp_path / "page.html")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_permissions_and_links_are_kept(tmp_path):
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    assert write_whole(link, b"new") == link
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(PermissionError):
        write_whole(path, "new")
    assert path.read_text() == "old"


def test_half_a_surrogate_pair_is_valid_json_and_utf_8(tmp_path):
    path = write_whole(tmp_path / "a", '{"name": "b\udcff"}')
    assert path.read_bytes() == b'{"name": "b\\udcff"}'


def test_an_unknown_user_is_an_error_of_the_file_system(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such user"):
        write_whole("~nosuchuser/a", "x")


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("n" * 255)
    write_whole(path, "x")
    assert path.read_text() == "x"
