"""What a console and a notebook show of findings and records fits on a few lines."""

import skloss
from skloss.diagnosis import Finding

LOSSES = {"loss": [0.7, float("nan")], "val_loss": [0.7, 0.8]}


def test_findings_print_one_to_a_line_and_stay_a_tuple():
    findings = skloss.diagnose(LOSSES).findings
    lines = repr(findings).splitlines()
    assert isinstance(findings, tuple)
    assert len(lines) == len(findings)
    assert lines[0] == repr(findings[0])
    assert "nonfinite-loss (O01)" in lines[0]
    assert repr(skloss.diagnosis.Diagnosis().findings) == "no findings"


def test_names_in_a_finding_are_escaped_in_html():
    found = Finding("X01", "x", "info", "Column <b> is odd.", {}, "Drop <b>.")
    page = found._repr_html_()
    assert "&lt;b&gt; is odd." in page
    assert "Drop &lt;b&gt;." in page
    assert "<b>" not in page


def test_a_record_of_many_curves_prints_on_one_line():
    record = skloss.TrainingRecord(
        configuration={"estimator": "DenseClassifier"},
        history={f"curve_{i}<": [0.5] * 99 for i in range(40)},
    )
    assert "\n" not in repr(record)
    assert len(repr(record)) < 120
    assert "99 epochs" in repr(record)
    page = record._repr_html_()
    assert page.count("<tr>") == 41
    assert "curve_39&lt;" in page
