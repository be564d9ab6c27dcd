"""However a question was pasted, it is read as the same code and log."""

import html
import json
from textwrap import indent

import pytest
from posts import FAULTY, HEAD, LOG

import skloss
from skloss.readers.code import is_code_path, read_text

CODE = HEAD + FAULTY


def prompted(prompt):
    return "".join(f"{prompt(n)}{x}\n" for n, x in enumerate(CODE.splitlines(), 1))


def notebook(**outputs):
    cells = [
        {"cell_type": "markdown", "source": "# A network"},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip list"]},
        {"cell_type": "code", "source": CODE.splitlines(True), "outputs": [outputs]},
    ]
    return json.dumps({"cells": cells, "nbformat": 4})


POSTS = {
    "fences": f"Why?\n\n```python\n{CODE}```\n\nIt prints:\n\n```\n{LOG}```\nThanks.",
    "one fence for both": f"Why?\n```\n{CODE}{LOG}```\n",
    "tildes": f"~~~ py\n{CODE}~~~\n~~~ text\n{LOG}~~~\n",
    "indented blocks": f"My network does not learn at all:\n\n{indent(CODE, '    ')}\n"
    f"and this is printed\n\n{indent(LOG, '    ')}\nThanks.",
    "all indented": indent(CODE + LOG, "  "),
    "Python prompts": prompted(lambda n: ">>> ") + LOG,
    "IPython prompts": prompted("In [{}]: ".format) + LOG + "Out[8]: <History>\n",
    "line numbers": prompted("{:3d}  ".format) + "",
    "HTML": f"<p>Why</p><pre><code>{html.escape(CODE)}</code></pre>"
    f"<pre class='x'>{LOG}</pre>",
    "Python 2": f"print 'shape', X.shape\n{CODE}print score[0]\n{LOG}",
    "dots": f"...\n{CODE}...\n",
    "curly quotes": CODE.replace("'", "\u2019"),
    "an error in one block": f"```python\ndf = pd.read_csv('a.csv'\nX = df[\n```\n"
    f"```python\n{CODE}```\n```\n{LOG}```",
    "an error between": CODE.replace("model.compile", "for x in\nmodel.compile"),
    "running text": "I made this network and it does not learn: "
    f"{' '.join(FAULTY.split())} What is wrong? I have tried many things.",
    "Windows lines": CODE.replace("\n", "\r\n"),
    "a notebook": notebook(output_type="stream", name="stdout", text=LOG),
    "in a function": f"def main():\n{indent(CODE, '    ')}\nmain()\n",
    "in a function that nothing calls": f"def main():\n{indent(CODE, '    ')}\n",
}


@pytest.mark.parametrize("name", POSTS)
def test_the_fault_is_found_however_it_was_pasted(name):
    diagnosis = skloss.diagnose(code=POSTS[name])
    assert [f.name for f in diagnosis.findings if f.severity == "error"] == [
        "softmax-one-unit"
    ]
    training = diagnosis.case.training
    assert (training.loss, training.epochs) == ("binary_crossentropy", 5)
    if "Epoch" in POSTS[name]:
        assert diagnosis.case.n_epochs == 5
        assert training.steps_per_epoch == 20


@pytest.mark.parametrize("text", [LOG, f"Why does it not learn?\n```\n{LOG}```\n"])
def test_a_question_without_code_is_its_log(text):
    diagnosis = skloss.diagnose(code=text)
    assert (diagnosis.case.n_epochs, diagnosis.case.layers) == (5, None)
    assert diagnosis.notes == ("no code was found",)


def test_a_printed_history_is_a_log():
    shown = "{'loss': [0.7, 0.6, 0.5, 0.4], 'val_loss': [0.7, 0.6, 0.6, 0.6]}"
    diagnosis = skloss.diagnose(code=f"```\n{CODE}```\n```\n{shown}\n```\n")
    assert diagnosis.case.n_epochs == 4


def test_a_commented_argument_of_running_text_is_left_out():
    code = " ".join(FAULTY.split()).replace(
        "loss='binary_crossentropy',", "# loss='mse', loss='binary_crossentropy',"
    )
    text = f"This is the network that I have, and it does not do what I want: {code}"
    assert skloss.diagnose(code=text).case.training.loss == "binary_crossentropy"


def test_the_line_of_a_notebook_names_its_cell():
    found = skloss.diagnose(code=POSTS["a notebook"]).findings[0]
    assert found.evidence["line of the code"].value == "5 of cell 2"


def test_pictures_do_not_cut_a_notebook_short():
    picture = {"image/png": "A" * 3_000_000, "text/plain": LOG}
    text = notebook(output_type="display_data", data=picture)
    assert skloss.diagnose(code=text).case.n_epochs == 5


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("a.py", "utf-8-sig"), ("a.md", "utf-16"), ("a.txt", "latin-1")],
)
def test_files_are_read_in_the_encodings_people_have(tmp_path, name, encoding):
    path = tmp_path / name
    path.write_bytes(f"# größer\n{CODE}".encode(encoding))
    assert skloss.diagnose(path).find("softmax-one-unit") is not None


def test_a_script_is_read_with_a_log_beside_it(tmp_path):
    (tmp_path / "train.py").write_text(CODE)
    (tmp_path / "log.txt").write_text(LOG)
    diagnosis = skloss.diagnose(tmp_path / "train.py", history=tmp_path / "log.txt")
    assert diagnosis.case.n_epochs == 5


def test_a_text_file_is_code_where_it_holds_code(tmp_path):
    question, curves = tmp_path / "question.txt", tmp_path / "log.txt"
    question.write_text(CODE)
    curves.write_text(LOG)
    assert is_code_path(question)
    assert not is_code_path(curves)
    assert not is_code_path(tmp_path / "none.txt")


def test_code_that_is_too_long_is_cut_and_noted():
    text = read_text("x" * 2_000_001)
    assert text.notes == ("only the first 2000000 characters of the code were read",)


def test_the_headline_says_that_a_part_of_long_code_was_not_read():
    network = "model = Sequential([Dense(1, activation='sigmoid')])\nmodel.fit(X, y)\n"
    long = skloss.diagnose(
        code="x = 1\n" * 40_000 + network, history={"loss": [1, 0.9]}
    )
    first = " ".join(long.to_text().split("\n\n")[0].split())
    assert first.endswith("; only a part of the code was read")
    assert len(long.case.layers) == 1
    short = skloss.diagnose(code="x = 1\n" * 100 + network, history={"loss": [1, 0.9]})
    assert "only a part" not in short.to_text()
