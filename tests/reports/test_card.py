"""The model card: the facts of the page, as Markdown that nothing in them can break."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skloss
from skloss import DenseClassifier
from skloss.cli import main
from skloss.datasets import make_rare_events
from skloss.diagnosis.words import printable
from skloss.reports.card import render_card
from skloss.reports.html_page import render
from skloss.reports.markdown import code_block, code_span, escaped, table_text
from skloss.reports.tables import Cell, Table

HOSTILE = (
    "<script>alert(1)</script> | `tick` *bold* [link](http://x.y) ![i](j)\n# head\n"
    "--- &amp; $x$ ~~gone~~ \\| __under__"
)
SECTIONS = [
    "Model description",
    "Data",
    "Metrics",
    "Training curves",
    "Findings",
    "Limits",
    "How to load",
    "How to train again",
]


def markdown():
    """Return the parser of GitHub's Markdown."""
    return pytest.importorskip("markdown_it").MarkdownIt("gfm-like", {"linkify": False})


def parsed(text):
    """Return all tokens of a text, those within a line too."""
    tokens = markdown().parse(text)
    return tokens + [child for one in tokens for child in one.children or ()]


def words(text):
    """Return what a reader sees of one line."""
    return "".join(one.content for one in parsed(text) if one.type == "text")


@pytest.fixture(scope="module")
def rows():
    X, y = make_rare_events(900, prevalence=0.1, random_state=0)
    return X, np.where(y == 1, HOSTILE, "usual")


@pytest.fixture(scope="module")
def fitted(rows):
    return DenseClassifier(4, depth=1, epochs=13, random_state=0).fit(*rows)


@pytest.fixture(scope="module")
def made(fitted, rows):
    return skloss.report(fitted, *rows)


def test_the_card_has_its_head_and_all_sections_in_order(made):
    _, head, body = made.card.split("---\n", 2)
    lines = head.splitlines()
    assert lines[:2] == ["library_name: skloss", "tags:"]
    assert lines[lines.index("metrics:") + 1] == "- matthews_correlation"
    # Plain words in a list: no name of a class or a column stands in the YAML.
    assert all(
        re.fullmatch(r"[a-z_]+:( skloss)?|- [a-z0-9_-]+", line) for line in lines
    )
    assert re.findall(r"^## (.*)$", body, re.M) == SECTIONS


def test_the_facts_are_those_of_the_page(made, fitted):
    card = made.card
    assert escaped(made.answer.headline) in card
    assert escaped(made.answer.sentence) in card
    assert escaped(made.diagnosis.gap.sentence) in card
    for score in made.answer.scores["This classifier"]:
        assert repr(score) in card.replace("\N{NO-BREAK SPACE}", " ")
        assert repr(score) in made.html.replace("\N{NO-BREAK SPACE}", " ")
    for finding in made.diagnosis.findings:
        assert f"{finding.name} ({finding.code}): {escaped(finding.title)}" in card
    for caveat in made.answer.caveats:
        assert f"- {escaped(caveat)}" in card
    for step in made.next_steps:
        assert escaped(step.text) in card
    counts = fitted.record_.data["class_counts"]["validation"]
    assert f" {counts[0]} (" in card
    last = fitted.record_.history["val_loss"][-1]
    assert re.search(rf"^\| 13 \|.* {last:.4g} ", card, re.M)
    assert 'skloss.load("model.safetensors")' in card
    assert 'joblib.load("model.joblib")' in card


def test_the_curves_are_a_small_table_with_the_best_and_the_last_epoch(made):
    part = made.card.split("## Training curves")[1].split("\n## ")[0]
    epochs = [int(n) for n in re.findall(r"^\| (\d+) \|", part, re.M)]
    assert epochs == sorted({*range(1, 14, 2), 13, *_best(made)})


def _best(made):
    found = re.search(r"best epoch (\d+)", made.html)
    return {int(found[1])} if found else set()


def test_hostile_names_of_classes_change_no_structure(made):
    pytest.importorskip("markdown_it")
    body = made.card.split("---\n", 2)[2]
    tokens = parsed(body)
    kinds = {one.type for one in tokens}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "s_open"}
    titles = [
        tokens[place + 1].content
        for place, one in enumerate(tokens)
        if one.type == "heading_open" and one.tag == "h2"
    ]
    assert titles == SECTIONS
    widths = [
        sum(one.type == "th_open" for one in parsed(block))
        for block in body.split("\n\n")
        if block.startswith("|")
    ]
    assert 0 not in widths
    shown = "".join(one.content for one in tokens if one.type == "text")
    assert " ".join(HOSTILE.split()) in shown


@given(st.text(max_size=60))
def test_an_escaped_text_is_read_as_it_is_written(text):
    told = " ".join(printable(text).split())
    assert words(f"a {escaped(text)} b") == f"a {told} b"
    assert words(escaped(text)) == told
    assert all(one.type in PLAIN for one in parsed(escaped(text)))


PLAIN = {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_a_table_keeps_its_cells(cells):
    table = Table("t", ("column",) * len(cells), (tuple(map(Cell, cells)),))
    tokens = markdown().parse(table_text(table))
    cells_read = [
        "".join(child.content for child in tokens[place + 1].children)
        for place, one in enumerate(tokens)
        if one.type == "td_open"
    ]
    assert cells_read == [" ".join(printable(cell).split()) for cell in cells]


@given(st.text("`a \n~#", max_size=30))
def test_code_does_not_leave_its_fences(text):
    (block,) = markdown().parse(code_block(text, "python"))
    assert (block.type, block.info) == ("fence", "python")
    assert block.content == printable_lines(text) + "\n"
    if text.split():
        (span,) = (one for one in parsed(code_span(text)) if one.type == "code_inline")
        assert span.content == " ".join(text.split())


def printable_lines(text):
    return "\n".join(map(printable, text.split("\n")))


@pytest.mark.usefixtures("sketched")
def test_the_format_decides_what_is_written_and_else_the_name(made, tmp_path):
    page, card = tmp_path / "a.html", tmp_path / "a.MD"
    assert made.save(page).read_text() == made.html
    assert made.save(card).read_text() == made.card
    curves = {"loss": [0.7, 0.5], "val_loss": [0.7, 0.6]}
    asked = skloss.report(curves, format="card", path=tmp_path / "card.txt")
    assert (tmp_path / "card.txt").read_text() == asked.card
    asked = skloss.report(curves, format="html", path=card)
    assert card.read_text() == asked.html
    with pytest.raises(ValueError, match='format must be "html", "card" or None'):
        skloss.report(curves, format="pdf")


@pytest.mark.usefixtures("sketched")
def test_curves_alone_give_a_card_that_says_what_is_not_known():
    card = skloss.report({"loss": [0.7, 0.5], "val_loss": [0.7, 0.6]}).card
    assert "library_name" not in card
    assert "\nmetrics:\n" not in card
    assert "There are no scores on held-out rows." in card
    assert "The library that the model was trained by is not known." in card


@pytest.mark.parametrize(("n_groups", "is_shown"), [(20, True), (60, False)])
def test_a_table_of_groups_is_in_the_card_if_it_is_short(
    fitted, rows, n_groups, is_shown
):
    from skloss.reports.answer import NETWORK, answer
    from skloss.reports.build_context import build_context
    from skloss.reports.pooled_scores import Pooled

    truth = np.arange(900) % 2
    groups = np.arange(900) % n_groups
    pooled = Pooled(truth, {NETWORK: truth}, 2, 1, groups, group_name="a|b")
    context = replace(build_context(fitted, *rows), pooled=pooled)
    card = render_card(context, answer(context))
    assert ("| a\\|b | rows |" in card) == is_shown


@pytest.mark.usefixtures("sketched")
def test_a_command_is_shown_as_in_the_page(fitted, rows):
    from skloss.reports.build_context import build_context

    context = replace(build_context(fitted, *rows), name="a # name")
    answer = skloss.reports.report_page.answer(context)
    command = "skloss search --target 'a```b'"
    assert f"````console\n{command}\n````" in render_card(context, answer, (), command)
    assert "a```b" in render(context, answer, (), command)


@pytest.mark.usefixtures("sketched")
def test_the_command_line_writes_a_card(fitted, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fitted.record_.save("record.json")
    assert main(["report", "record.json", "--format", "card"]) == 0
    assert "model_card.md" in capsys.readouterr().out
    assert (tmp_path / "model_card.md").read_text().startswith("---\nlibrary_name: skl")
    assert main(["report", "record.json", "--out", "README.md"]) == 0
    assert (tmp_path / "README.md").read_text().startswith("---")
    assert main(["report", "record.json"]) == 0
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")
