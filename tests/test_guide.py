"""Every block of the user guide runs, in order, and prints what its page says."""

import doctest
import io
import re
import shlex
import warnings
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from skloss.cli import main
from skloss.exceptions import SklossWarning

GUIDE = Path(__file__).parents[1] / "docs" / "guide"
FRONT = GUIDE.parent / "index.rst"
# The page of the changes is made from CHANGES.md when the documentation is built.
PAGES = [FRONT, *sorted(set(GUIDE.rglob("*.rst")) - {GUIDE / "changes.rst"})]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FLOAT = re.compile(r"\b\d+\.\d+\b")
BLOCK = re.compile(
    r"^\.\. code-block:: (?P<language>\w+)\n"
    r"(?:   +:class: (?P<classes>.+)\n)?"
    r"\n"
    r"(?P<body>(?:(?:   +.*)?\n)+)",
    re.MULTILINE,
)


class Block(NamedTuple):
    language: str
    classes: list[str]
    code: str
    line: int

    @property
    def missing(self):
        """Packages that the block needs and that are not installed."""
        needed = [name[6:] for name in self.classes if name.startswith("needs-")]
        return [name for name in needed if find_spec(name) is None]


def blocks(text):
    for found in BLOCK.finditer(text):
        indent = re.match(" +", found["body"])[0]
        code = re.sub(f"^{indent}", "", found["body"], flags=re.MULTILINE)
        line = text.count("\n", 0, found.start("body")) + 1
        classes = (found["classes"] or "").split()
        yield Block(found["language"], classes, code, line)


def run(block, page, namespace):
    """Run a block of Python in its own lines of the page, and return what it prints."""
    source = "\n" * (block.line - 1) + block.code
    printed = io.StringIO()
    with redirect_stdout(printed), warnings.catch_warnings():
        if any(name.startswith("needs-") for name in block.classes):
            # What other packages warn of is their own affair.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", SklossWarning)
        exec(compile(source, str(page), "exec"), namespace)
    return printed.getvalue()


def commands(block):
    """Return the commands of a console, each with what the page says it prints."""
    text = block.code.replace("\\\n", " ")
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield shlex.split(command), output


def prints(expected, got):
    """Whether a text is the expected one, up to "..." and the last digits of floats.

    Another processor adds up in another order, and training makes that larger.
    """
    numbers = [float(number) for number in FLOAT.findall(got)]
    wanted = [float(number) for number in FLOAT.findall(expected)]
    if numbers and len(numbers) == len(wanted):
        if numbers != pytest.approx(wanted, rel=0.1, abs=0.05):
            return False
        expected, got = (FLOAT.sub("0.0", text) for text in (expected, got))
    checker = doctest.OutputChecker()
    return checker.check_output(expected.strip() + "\n", got.strip() + "\n", FLAGS)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Work in an empty folder, draw into memory, and have a terminal of 80 columns."""
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    with plt.rc_context({"backend": "agg"}):
        yield
    plt.close("all")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom_and_prints_what_it_says(page):
    namespace = {"__name__": "__main__"}
    printed = ""
    for block in blocks(page.read_text()):
        if block.missing:
            pytest.skip(f"line {block.line} needs {', '.join(block.missing)}")
        where = f"{page.name}, line {block.line}"
        if block.language == "python":
            printed = run(block, page, namespace)
        elif "output" in block.classes:
            assert prints(block.code, printed), f"{where} is not:\n{printed}"
        elif block.language == "console":
            for words, expected in commands(block):
                if words[0] != "skloss":
                    continue
                with redirect_stdout(io.StringIO()) as told:
                    main(words[1:])
                output = told.getvalue()
                assert prints(expected, output), f"{where} is not:\n{output}"


def test_every_page_is_in_the_table_of_contents():
    listed = set(
        re.findall(r"^   (\S+)$", (GUIDE / "index.rst").read_text(), re.MULTILINE)
    )
    pages = {page.relative_to(GUIDE).with_suffix("").as_posix() for page in PAGES[1:]}
    assert pages - {"index"} == listed - {"changes"}


def test_every_code_block_is_of_a_language_that_is_run_or_plainly_not():
    for page in PAGES:
        text = page.read_text()
        languages = re.findall(r"^\.\. code-block:: (\w+)$", text, re.MULTILINE)
        assert set(languages) <= {"python", "console", "text"}, page
        assert len(languages) == len(list(blocks(text))), page
