"""The rule about series that are scaled column by column."""

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import row_facts
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule


class SeriesScaledByColumn(Rule):
    """Series of different levels or amplitudes are scaled column by column.

    Reads: the steps in front of a network for series, the means and the standard
    deviations of the series over time as they are given to the scaler of columns, and
    MCC on training rows and on validation rows.
    Effect: such a scaler keeps the level and the amplitude of each series. They often
    belong to a person, a sensor or a day, so the network learns them instead of the
    shape, and fails on new ones.
    What to do: put skloss.SeriesScaler() in the place of the scaler of columns. It
    scales each series by itself.
    False alarm when: the level or the amplitude tells the class. It is a remark unless
    the network does much worse on the validation rows than on the training rows.
    """

    code = "D20"
    name = "series-scaled-by-column"
    explains = ("feature-shift", "folds-disagree")
    reference = "Dau et al., The UCR Time Series Archive, 2019"
    largest_levels = 0.5
    largest_amplitudes = 2.5
    largest_loss = 0.2  # of MCC, from training rows to validation rows

    def inspect(self, case: Case) -> Finding | None:
        """Compare the levels and the amplitudes of the series."""
        facts = row_facts(case, "column_scaler")
        levels, amplitudes = facts.series_levels, facts.series_amplitudes
        if levels is None or amplitudes is None:
            raise NotApplicable("the levels of the series were not measured")
        if levels <= self.largest_levels and amplitudes <= self.largest_amplitudes:
            return None
        lost = _lost(case)
        return self.found(
            f"{facts.column_scaler} scales the series column by column, but they "
            f"differ in {self._what(levels, amplitudes)}.",
            {
                "standard deviation of their means, in standard deviations over time": (
                    levels,
                    "",
                ),
                "large over small amplitude (90th over 10th percentile)": (
                    amplitudes,
                    "",
                ),
                "MCC lost from training rows to validation rows": (lost, ""),
            },
            f"Put skloss.SeriesScaler() in the place of {facts.column_scaler}: each "
            "series is then scaled by itself.",
            severity=None if (lost or 0.0) > self.largest_loss else "info",
        )

    def _what(self, levels: float, amplitudes: float) -> str:
        told = []
        if levels > self.largest_levels:
            told.append("level")
        if amplitudes > self.largest_amplitudes:
            told.append("amplitude")
        return " and ".join(told)


def _lost(case: Case) -> float | None:
    own, held = case.unsampled, case.val
    if own is None or held is None or own.mcc is None or held.mcc is None:
        return None
    return float(own.mcc - held.mcc)
