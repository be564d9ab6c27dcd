"""Inputs and labels that cannot be learned from as they are encoded."""

from skloss.diagnosis.case import Case, RowFacts
from skloss.diagnosis.evidence.classifier_network import LITTLE_LEARNED
from skloss.diagnosis.evidence.symptoms import need, row_facts
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.text import tally

_LOSSES = (
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
)


class NanInInputs(Rule):
    """Rows hold values that are no numbers: NaN or infinite.

    Reads: the number of such values among the training rows.
    Effect: one such value makes the loss of its batch NaN, and then every weight.
    False alarm when: the network masks these values before it uses them.
    """

    code = "D01"
    name = "nan-in-inputs"
    severity = "error"
    explains = (
        "nonfinite-loss",
        "constant-inputs",
        "unscaled-inputs",
        "lr-too-high",
        *LITTLE_LEARNED,
    )
    reference = "UMLAUT InputNotFloating; Deepchecks"

    def inspect(self, case: Case) -> Finding | None:
        """Count values that are no numbers."""
        facts = row_facts(case, "n_nonfinite")
        if not facts.n_nonfinite:
            return None
        return self.found(
            f"{tally(facts.n_nonfinite, 'value')} of the inputs "
            f"{'is' if facts.n_nonfinite == 1 else 'are'} NaN or infinite.",
            {
                "values": (facts.n_nonfinite, "values"),
                "columns": (facts.nonfinite_columns, ""),
            },
            "Fill the values in (SimpleImputer in the pipeline), or drop their rows.",
        )


class SingleClassTarget(Rule):
    """The training labels hold one class, as the loss reads them.

    Reads: the counts of the classes, the range of the labels, and the loss.
    Effect: the network learns to say that class always, with a loss near 0.
    False alarm when: the task is to recognize one class without examples of others.
    """

    code = "D02"
    name = "single-class-target"
    severity = "error"
    explains = (
        "target-encoding-mismatch",
        "minority-absent",
        "train-val-prior-shift",
        "train-val-gap",
        "overfit",
        "val-loss-misleads",
        "too-few-epochs",
        *LITTLE_LEARNED,
    )
    reference = "keras-team/keras FAQ; stackoverflow 41372874"
    fewest_rows = 5

    def inspect(self, case: Case) -> Finding | None:
        """Count the classes."""
        if case.task in ("regression", "multilabel"):
            raise NotApplicable(f"the task is {case.task}")
        n_rows, n_classes = self._size(case)
        if n_rows < self.fewest_rows:
            raise NotApplicable(f"{n_rows} rows")
        if n_classes > 1 and not self._all_become_zero(case):
            return None
        evidence = {"rows": (n_rows, "rows"), "classes": (1, "classes")}
        if n_classes > 1 and case.rows is not None:
            evidence["largest label"] = (case.rows.target_max, "")  # type: ignore[assignment]
        return self.found(
            f"All {n_rows} training labels are one class"
            + (" once they are read as class numbers." if n_classes > 1 else "."),
            evidence,
            "Check how the labels were made: they must not be scaled with the inputs, "
            "and every class must be among them.",
        )

    def _size(self, case: Case) -> tuple[int, int]:
        """Rows and classes."""
        if case.train is not None:
            return case.train.n_rows, len(case.train.present)
        facts = row_facts(case, "n_rows", "n_distinct_targets")
        return int(facts.n_rows or 0), int(facts.n_distinct_targets or 0)

    def _all_become_zero(self, case: Case) -> bool:
        """Whether fractions all round down to class 0, or stay under a half."""
        facts = case.rows
        if facts is None or facts.target_kind != "scaled" or case.training is None:
            return False
        if facts.target_min is None or facts.target_max is None or facts.target_min < 0:
            return False
        loss = case.training.loss
        if loss == "sparse_categorical_crossentropy":
            return facts.target_max < 1
        return loss in _LOSSES and facts.target_max < 0.5


class TargetEncodingMismatch(Rule):
    """The labels are not encoded as the loss reads them.

    Reads: the kind and the range of the labels, and the loss.
    Effect: the loss then measures something else, or one class is never asked for.
    False alarm when: the labels are encoded between the rows given here and the loss.
    """

    code = "D03"
    name = "target-encoding-mismatch"
    severity = "error"
    explains = (
        "loss-at-constant-guess",
        "nonfinite-loss",
        "lr-too-high",
        "class-count-mismatch",
        *LITTLE_LEARNED,
    )
    reference = "NeuraLint; stackoverflow 46165464"

    def inspect(self, case: Case) -> Finding | None:
        """Compare the labels with what the loss reads."""
        if case.origin in ("skloss", "scikeras", "sklearn"):
            raise NotApplicable("the estimator encodes the labels itself")
        facts = row_facts(case, "target_kind")
        need(case.training and case.training.loss, "the loss is")
        loss = case.training.loss  # type: ignore[union-attr]
        if loss not in _LOSSES:
            return None
        wrong = self._wrong(case, facts, str(loss))
        if wrong is None:
            return None
        what, fix = wrong
        return self.found(
            f"The labels are {what}, which {loss} does not expect.",
            {
                "labels": (facts.target_kind, ""),
                "smallest": (facts.target_min, ""),
                "largest": (facts.target_max, ""),
                "loss": (loss, ""),
            },
            fix,
        )

    def _wrong(self, case: Case, facts: RowFacts, loss: str) -> tuple[str, str] | None:
        """Say what is wrong with the labels, and what to do."""
        if loss.startswith("sparse"):
            return self._wrong_numbers(facts)
        if loss.startswith("binary"):
            return self._wrong_bits(facts)
        return self._wrong_rows(case, facts)

    def _wrong_numbers(self, facts: RowFacts) -> tuple[str, str] | None:
        if facts.target_kind == "ids":
            if facts.target_min is None or facts.target_min >= 0:
                return None
            return "negative", "Number the classes from 0 (LabelEncoder)."
        if facts.target_kind in ("one_hot", "multi_hot"):
            return "rows with a column per class", "Use categorical_crossentropy."
        return "fractions", "Give class numbers; scale the inputs only, not the labels."

    def _wrong_bits(self, facts: RowFacts) -> tuple[str, str] | None:
        low, high = facts.target_min, facts.target_max
        if low is None or high is None or facts.target_kind in ("one_hot", "multi_hot"):
            return None
        if low < 0 or (high > 1 and (facts.n_distinct_targets or 0) <= 2):
            return f"from {low:g} to {high:g}", "Encode the two classes as 0 and 1."
        if high > 1 and facts.target_kind in ("scaled", "real"):
            return f"from {low:g} to {high:g}", "Encode the two classes as 0 and 1."
        return None

    def _wrong_rows(self, case: Case, facts: RowFacts) -> tuple[str, str] | None:
        head = case.head
        if facts.target_kind == "multi_hot":
            # Several labels per row and a softmax: there the head is wrong.
            if case.task == "multilabel" and head and head.activation == "softmax":
                return None
            fix = "Use binary_crossentropy, or make one column of each row 1."
            return "rows that do not add up to 1", fix
        if facts.target_kind == "one_hot" or (head and head.units == 1):
            return None
        fix = "Use sparse_categorical_crossentropy, or encode the labels one-hot."
        return "not one-hot", fix
