"""README.md does what it shows, and its links lead somewhere."""

import json
import re
import runpy
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DECIMAL = re.compile(r"\d+\.\d+")
LINK = re.compile(r"\[[^\]]+\]\((?![a-z]+:)([^)]+)\)")


def blocks():
    """Return each block of Python with the output that is shown below it, if any."""
    found = BLOCK.findall(README)
    pairs = zip(found, [*found[1:], ("", "")], strict=True)
    return [
        (code, shown if language == "text" else None)
        for (kind, code), (language, shown) in pairs
        if kind == "python"
    ]


def assert_shown(shown, printed):
    """Words are equal, "..." stands for anything, decimals differ between machines."""
    words = [DECIMAL.sub("#", text) for text in (shown, printed)]
    equal = OutputChecker().check_output(*words, ELLIPSIS | NORMALIZE_WHITESPACE)
    assert equal, printed
    numbers = [float(number) for number in DECIMAL.findall(printed)]
    for number in map(float, DECIMAL.findall(shown)):
        assert any(abs(number - other) <= 0.05 for other in numbers), number


def test_every_block_runs_in_its_place_and_prints_what_is_shown(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    for number, (code, shown) in enumerate(blocks(), start=1):
        exec(compile(code, f"README.md, block {number}", "exec"), names)
        printed = capsys.readouterr()
        assert printed.out
        assert printed.err == ""
        if shown is not None:
            assert_shown(shown, printed.out)
    assert names["search"].best_score_ > 0.3
    assert (tmp_path / "heartbeats.html").stat().st_size > 10_000


def test_the_first_example_has_ten_lines_at_most():
    code, shown = blocks()[0]
    assert len(code.splitlines()) <= 10
    assert "MCC" in shown


def test_readme_is_short():
    assert len(README.encode()) <= 6_000


@pytest.mark.parametrize("path", LINK.findall(README))
def test_a_link_leads_to_a_file(path):
    if path.startswith("docs/guide/") and not (ROOT / "docs" / "guide").exists():
        pytest.skip("the guide is not in this tree")
    assert (ROOT / path).exists()


def test_figures_are_those_that_the_benchmark_found():
    path = ROOT / "benchmarks" / "results" / "holdout_honesty.json"
    found = json.loads(path.read_text())["medians"]["heartbeats, CNN1DClassifier"]
    after = found["split after the sampler"]["mcc"]
    before = found["before: skloss.Pipeline"]["mcc"]
    quoted = re.search(r"promises an MCC of\s.+?benchmarks/holdout_", README, re.DOTALL)
    assert [float(n) for n in DECIMAL.findall(quoted[0])] == after + before


def test_the_text_on_an_index_has_no_relative_link():
    index_text = runpy.run_path(str(ROOT / "setup.py"))["index_text"]
    assert LINK.search(README)
    assert not LINK.search(index_text(README, None))
    text = index_text(README, "https://example.org/skloss")
    assert "](https://example.org/skloss/raw/HEAD/docs/front.png)" in text
    assert "](https://example.org/skloss/blob/HEAD/CONTRIBUTING.md)" in text
    assert not LINK.search(text)


def test_words_stay_where_a_link_goes():
    index_text = runpy.run_path(str(ROOT / "setup.py"))["index_text"]
    readme = "![A curve](docs/a.png)\n[guide](docs/b.rst) [x](https://x.org) [y](#y)"
    expected = "*A curve*\nguide [x](https://x.org) [y](#y)"
    assert index_text(readme, None) == expected
