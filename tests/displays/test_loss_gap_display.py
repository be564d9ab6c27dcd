"""The waterfall of a gap: its artists and numbers, and that it can be read."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

from pictures import assert_readable, new_axes

from skloss import TrainingRecord
from skloss.diagnosis import GapPart, LossGap
from skloss.displays import LossGapDisplay
from skloss.displays.style import BLUE, GREEN, VERMILLION
from skloss.record.loss_gap import TITLES

PARTS = (
    GapPart("penalties", -0.2, 0.0, "penalties in the printed loss"),
    GapPart("resampling", 0.0, 0.0, "rows made by a sampler"),
    GapPart("prior", 0.04, 0.01, "SMOTE's prior"),
    GapPart("generalization", 1.43, 0.2, "groups never seen"),
)
GAP = LossGap(0.3, 1.57, PARTS, epoch=4, unit="groups")


def record_of(gap, **outcome):
    history = {"loss": [0.3], "val_loss": [1.57]}
    return TrainingRecord(history=history, outcome={"loss_gap": gap, **outcome})


def test_each_bar_begins_where_the_one_above_ends():
    display = LossGapDisplay(GAP).plot(new_axes())
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in display.bars_]
    assert bars[0] == (0, 0.3)
    assert bars[-1] == (0, 1.57)
    ends = [end for _, end in bars]
    starts = [start for start, _ in bars]
    assert starts[1:-1] == pytest.approx(ends[:-2])
    assert ends[-2] == pytest.approx(ends[-1])
    assert len(bars) == 5  # a part without a cause is not drawn


def test_what_adds_and_what_takes_away_differ_in_color():
    display = LossGapDisplay(GAP).plot(new_axes())
    colors = [mpl.colors.to_hex(bar.get_facecolor()).upper() for bar in display.bars_]
    assert colors == [c.upper() for c in (BLUE, GREEN, VERMILLION, VERMILLION, BLUE)]


def test_standard_errors_lie_around_the_ends_of_their_bars():
    display = LossGapDisplay(GAP).plot(new_axes())
    lines = [line.get_xdata() for line in display.error_lines_]
    assert np.allclose(lines, [[0.13, 0.15], [1.37, 1.77]])


def test_numbers_and_names_are_written():
    display = LossGapDisplay(GAP).plot(new_axes())
    numbers = [text.get_text() for text in display.texts_]
    assert numbers == ["0.300", "-0.200", "+0.040", "+1.430", "1.570"]
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels[0] == "printed training loss"
    assert labels[-2:] == ["groups never seen", "validation loss"]
    title = display.ax_.get_title(loc="left")
    assert title == "gap of 1.27 nats, epoch 5; standard errors over groups"


@pytest.mark.parametrize("sign", [1, -1])
def test_all_parts_together_can_be_read(sign):
    parts = tuple(
        GapPart(name, sign * (0.1 + 0.05 * number), 0.05, title)
        for number, (name, title) in enumerate(TITLES.items())
    )
    total = sum(part.nats for part in parts)
    gap = LossGap(4.0, 4.0 + total, parts, epoch=99)
    assert_readable(LossGapDisplay(gap).plot(new_axes()).figure_)
    assert_readable(LossGapDisplay(gap).plot().figure_)


def test_causes_that_are_not_told_apart_can_be_read():
    title = "; ".join(TITLES[name] for name in ("moving_weights", "weights", "prior"))
    parts = (GapPart("unsplit", 0.4, 0.1, title), PARTS[-1])
    assert_readable(LossGapDisplay(LossGap(0.3, 2.13, parts)).plot(new_axes()).figure_)


def test_record_gives_the_kept_or_the_last_epoch():
    last = LossGap(0.1, 2.0, (GapPart("generalization", 1.9),), epoch=9)
    gap = LossGap(0.3, 1.57, PARTS, epoch=4, last=last)
    record = record_of(gap.to_dict())
    assert LossGapDisplay.from_record(record, ax=new_axes()).gap.epoch == 4
    display = LossGapDisplay.from_record(record, epoch="last", ax=new_axes())
    assert display.gap.epoch == 9
    with pytest.raises(ValueError, match="'kept' or 'last'"):
        LossGapDisplay.from_record(record, epoch="best")


def test_record_without_parts_says_why():
    with pytest.raises(ValueError, match=r"skloss\.explain_gap"):
        LossGapDisplay.from_history({"loss": [1.0], "val_loss": [2.0]})
    record = record_of({"not_measured": "the loss is not finite"})
    with pytest.raises(ValueError, match="the loss is not finite"):
        LossGapDisplay.from_record(record)
