"""``skloss diagnose`` and ``skloss rules``, by what they show and their exit status."""

import json
import subprocess
import sys

import pytest

from skloss.cli import main
from skloss.diagnosis import RULES, Case, Diagnosis, Finding, Rule, record_from_case
from skloss.diagnosis import diagnosis as module

FALLING = "epoch,loss,val_loss\n" + "".join(
    f"{n},{0.3 + 0.4 * 0.5**n},{0.32 + 0.4 * 0.5**n}\n" for n in range(4)
)


class _Fixed(Rule):
    """A rule that finds something, as severe as the test wants it."""

    code = "X42"

    def __init__(self, severity):
        self.name = "odd-thing"  # not of the class, which would register it
        self.kind = severity

    def inspect(self, case):
        return Finding(
            self.code, self.name, self.kind, "Odd.", {"n": float("nan")}, "Mend."
        )


@pytest.fixture
def rules(monkeypatch):
    """Make one rule of a severity the only one."""

    def only(severity):
        monkeypatch.setattr(module, "RULES", {"odd-thing": _Fixed(severity)})

    return only


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(FALLING)
    return path


def run(capsys, *args):
    code = main([*map(str, args)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("severity", "status"), [("error", 1), ("warning", 0), ("info", 0)]
)
@pytest.mark.parametrize("option", ["--json", "--verbose"])
def test_the_exit_status_is_1_for_an_error_only(
    rules, severity, status, option, log, capsys
):
    rules(severity)
    assert run(capsys, "diagnose", log)[::2] == (status, "")
    assert run(capsys, "diagnose", log, option)[::2] == (status, "")


def test_text_and_json_are_those_of_the_diagnosis(rules, log, capsys):
    from skloss.diagnosis.text import steps_text
    from skloss.readers import diagnose

    rules("warning")
    expected = diagnose(log)
    steps = "\n\n" + steps_text(expected.next_steps)
    assert run(capsys, "diagnose", log)[1] == f"{expected!r}{steps}\n"
    assert json.loads(run(capsys, "diagnose", log, "--json")[1]) == expected.to_dict()
    shown = run(capsys, "diagnose", log, "--verbose")[1]
    assert shown == expected.to_text(verbose=True) + steps + "\n"


def test_verbose_says_why_a_rule_was_not_assessed(log, capsys):
    assert "Not assessed (" not in run(capsys, "diagnose", log)[1]
    assert "Not assessed (" in run(capsys, "diagnose", log, "--verbose")[1]


def test_records_and_json_of_curves_are_read(tmp_path, rules, capsys):
    rules("error")
    record_from_case(Case(curves={"loss": [0.7, 0.5]})).save(tmp_path / "record.json")
    (tmp_path / "curves.json").write_text('{"loss": [0.7, 0.5], "val_acc": [0.5, 1]}')
    for name in ("record.json", "curves.json"):
        code, out, err = run(capsys, "diagnose", tmp_path / name)
        assert (code, err) == (1, "")
        assert out.startswith("1 error")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.json", None, "cannot read"),
        ("missing.csv", None, "No such file or directory."),
        ("cut.json", '{"loss": [0.7,', "not JSON, or was cut short"),
        ("list.json", "[1, 2]", "no object of lists"),
        ("empty.csv", "", "is empty"),
        ("rows.csv", "a,b\n1,2\n", "names no loss or metric"),
        ("uneven.json", '{"loss": [1], "val_loss": [1, 2]}', "differ in length"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(name, content, words, tmp_path, capsys):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    code, out, err = run(capsys, "diagnose", path)
    assert (code, out) == (2, "")
    assert err.startswith("skloss diagnose: error: ")
    assert words in err
    assert err.count("\n") == 1


CODE = (
    "model = Sequential([Dense(8, 'relu'), Dense(1, 'softmax')])\n"
    "model.compile('adam', 'binary_crossentropy')\nmodel.fit(X, y, epochs=2)\n"
)
PRINTED = "Epoch 1/2\n9/9 - 1s - loss: 0.7\nEpoch 2/2\n9/9 - 0s - loss: 0.69\n"


def test_code_and_log_are_read(tmp_path, capsys):
    code, log = tmp_path / "train.py", tmp_path / "log.txt"
    code.write_text(CODE)
    log.write_text(PRINTED)
    status, out, err = run(capsys, "diagnose", code, log, "--json")
    names = [finding["name"] for finding in json.loads(out)["findings"]]
    assert (status, err, names[0]) == (1, "", "softmax-one-unit")


def test_a_question_is_read_with_its_code_and_log(tmp_path, capsys):
    path = tmp_path / "question.md"
    path.write_text(f"Why?\n```\n{CODE}```\n```\n{PRINTED}```\n")
    status, out, _ = run(capsys, "diagnose", path)
    assert status == 1
    assert "softmax-one-unit" in out


def test_the_file_that_is_missing_is_named(tmp_path, capsys):
    code = tmp_path / "train.py"
    code.write_text(CODE)
    status, _, err = run(capsys, "diagnose", code, tmp_path / "none.txt")
    assert status == 2
    assert "none.txt': No such file" in err
    assert "train.py" not in err


def test_a_path_is_needed(capsys):
    code, _, err = run(capsys, "diagnose")
    assert code == 2
    assert "PATH" in err


# ------------------------------------------------------------------------------- rules


def test_every_rule_has_a_line_under_its_family(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    code, out, _ = run(capsys, "rules")
    assert code == 0
    lines = out.splitlines()
    for name, rule in RULES.items():
        (line,) = (line for line in lines if line.split()[1:2] == [name])
        assert line.split()[0] == rule.code
        assert line.split()[2] == rule.severity
        assert line.endswith(rule.claim())
    families = [line for line in lines if not line.startswith(" ")]
    assert len(families) == len(set(families)) == len(lines) - len(RULES)


@pytest.mark.parametrize("columns", [20, 100])
def test_a_terminal_gets_wrapped_lines(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = run(capsys, "rules")[1]
    assert max(map(len, out.splitlines())) <= 100
    for rule in RULES.values():
        assert rule.name in out


@pytest.mark.parametrize("write", [str, str.upper, lambda n: n.replace("-", "_")])
def test_a_rule_is_explained_by_name(write, capsys):
    rule = RULES["majority-collapse"]
    assert run(capsys, "rules", write(rule.name)) == (0, rule.page() + "\n", "")


@pytest.mark.parametrize("write", [str.upper, str.lower])
def test_a_rule_is_explained_by_code(write, capsys):
    rule = RULES["majority-collapse"]
    assert run(capsys, "rules", write(rule.code)) == (0, rule.page() + "\n", "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("majority_colapse", "did you mean 'majority-collapse'?"),
        ("Q", "'skloss rules' lists all rules."),
    ],
)
def test_an_unknown_rule_is_refused_in_one_sentence(name, words, capsys):
    code, out, err = run(capsys, "rules", name)
    assert (code, out) == (2, "")
    assert err == f"skloss rules: error: there is no rule {name!r}; {words}\n"


# --------------------------------------------------------------------------- processes


def test_neither_command_loads_tensorflow(log):
    code = (
        "import sys; from skloss.cli import main\n"
        f"main(['diagnose', {str(log)!r}, '--verbose']); main(['rules'])\n"
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "skloss" in loaded
    assert not loaded & {"tensorflow", "keras", "matplotlib"}


def test_a_reader_that_has_seen_enough_is_no_error():
    writer = f"{sys.executable} -m skloss rules"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {writer} | true"],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""


def test_a_diagnosis_without_findings_exits_with_0(log, capsys, monkeypatch):
    monkeypatch.setattr("skloss.readers.diagnose", lambda path: Diagnosis())
    assert run(capsys, "diagnose", log) == (0, "Nothing could be assessed\n", "")


@pytest.mark.parametrize(
    ("severity", "fail_on", "status"),
    [
        ("error", "error", 1),
        ("warning", "error", 0),
        ("warning", "warning", 1),
        ("error", "warning", 1),
        ("info", "warning", 0),
        ("error", "never", 0),
    ],
)
def test_the_exit_status_is_1_from_a_severity_on(
    rules, severity, fail_on, status, log, capsys
):
    rules(severity)
    assert run(capsys, "diagnose", log, "--fail-on", fail_on)[::2] == (status, "")


def test_lines_of_json_are_findings(rules, log, capsys):
    rules("warning")
    _, out, _ = run(capsys, "diagnose", log, "--format", "jsonl")
    (line,) = out.splitlines()
    assert json.loads(line)["name"] == "odd-thing"
    _, out, _ = run(capsys, "diagnose", log, "--format", "jsonl", "--ignore", "X42")
    assert out == ""


def test_format_json_is_json(rules, log, capsys):
    rules("warning")
    expected = run(capsys, "diagnose", log, "--json")
    assert run(capsys, "diagnose", log, "--format", "json") == expected


@pytest.mark.parametrize("given", ["X42", "x42", "odd-thing", "odd_thing"])
def test_a_rule_that_is_ignored_is_not_run(rules, log, capsys, given):
    rules("error")
    code, out, err = run(capsys, "diagnose", log, "--verbose", "--ignore", given)
    assert (code, err) == (0, "")
    assert "it was to be ignored: odd-thing" in out


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("X43", "mean 'X42'?"),
        ("od-thing", "mean 'odd-thing'?"),
        ("whatever", "ignore."),
    ],
)
@pytest.mark.parametrize("way", ["--ignore", "pyproject.toml"])
def test_a_rule_to_ignore_must_exist(
    rules, log, capsys, given, hint, way, tmp_path, monkeypatch
):
    rules("error")
    monkeypatch.chdir(tmp_path)
    options = ["--ignore", given]
    if way != "--ignore":
        (tmp_path / way).write_text(f"[tool.skloss]\nignore = [{given!r}]\n")
        options = []
    code, out, err = run(capsys, "diagnose", log, *options)
    assert (code, out) == (2, "")
    assert f"There is no rule {given!r} to ignore" in err
    assert err.rstrip().endswith(hint)


def test_rules_are_ignored_by_the_project(rules, log, capsys, tmp_path, monkeypatch):
    from skloss.readers import diagnose

    rules("error")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.skloss]\nignore = ["X42"]\n')
    assert run(capsys, "diagnose", log)[0] == 0
    # A function reads no file of settings.
    assert not diagnose(log).ok
    assert diagnose(log, ignore=["X42"]).ok
    assert diagnose(log, ignore="X42").ok


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.skloss\n", "cannot read pyproject.toml"),
        ("[tool.skloss]\nignor = []\n", "Did you mean 'ignore'?"),
        ('[tool.skloss]\nignore = "D11"\n', "must be a list"),
        ("[tool.skloss]\nignore = [11]\n", "must be a list"),
    ],
)
def test_settings_that_cannot_be_read_are_refused(
    rules, log, capsys, tmp_path, monkeypatch, text, told
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(text)
    code, out, err = run(capsys, "diagnose", log)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.parametrize(
    "text", ["", "[tool]\nskloss = 3\n", "[tool.ruff]\nignore = ['E501']\n", "tool = 1"]
)
def test_other_settings_are_not_of_skloss(
    rules, log, capsys, tmp_path, monkeypatch, text
):
    rules("warning")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(text)
    assert run(capsys, "diagnose", log)[0] == 0


TWO_FITS = FALLING + FALLING.replace("0.", "1.").partition("\n")[2]


def test_one_of_several_trainings_is_asked_for(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text(TWO_FITS)
    _, out, _ = run(capsys, "diagnose", path, "--run", "1", "--json")
    assert "number 1, of 4 epochs, was read" in json.loads(out)["notes"][0]
    code, out, err = run(capsys, "diagnose", path, "--run", "3")
    assert (code, out) == (2, "")
    assert "run=3 was asked for, but there are 2 trainings in it." in err
    assert run(capsys, "diagnose", path, "--run", "0")[0] == 2
    code, _, _ = run(capsys, "report", path, "--run", "1", "--out", tmp_path / "a.html")
    assert code == 0
    assert "number 1, of 4 epochs" in (tmp_path / "a.html").read_text()


def test_a_folder_of_metrics_is_read(tmp_path, capsys):
    for name in ("loss", "val_loss"):
        path = tmp_path / "run" / "metrics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1 0.7 0\n2 0.6 1\n3 nan 2\n")
    code, out, err = run(capsys, "diagnose", tmp_path / "run")
    assert (code, err) == (1, "")
    assert "nonfinite-loss" in out
    page = tmp_path / "a.html"
    assert run(capsys, "report", tmp_path / "run", "--out", page)[0] == 0
