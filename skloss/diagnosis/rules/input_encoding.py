"""Rules about inputs and labels in a form that no network can learn from."""

from skloss.diagnosis.case import Case, Preparation, RowFacts
from skloss.diagnosis.evidence.classifier_network import (
    CATEGORICAL_LOSSES,
    DISTANCE_LOSSES,
    LITTLE_LEARNED,
    loss_of,
)
from skloss.diagnosis.evidence.symptoms import need, row_facts, uniform_guess
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally

_LOSSES = (
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
)


_KINDS = {"one_hot": "one-hot rows", "ids": "one number per row"}
_ERROR = "Keras stops with an error about their shape"


def _is_refused(loss: str) -> bool:
    """Whether Keras refuses labels of another shape, whatever it is."""
    return loss in _LOSSES and loss != "categorical_focal_crossentropy"


def _wrong_shape(kind: str, loss: str, n_units: int) -> tuple[str, str] | None:
    """Return what labels of a wrong shape lead to, and the fix."""
    is_sparse = loss.startswith("sparse")
    effect = _ERROR
    if kind == "one_hot":
        if is_sparse:
            fix = 'Compile with loss="categorical_crossentropy", or do not encode y.'
            return effect, fix
        if n_units > 1 or loss in CATEGORICAL_LOSSES:
            return None  # one unit of a categorical loss has a rule of its own
        if not _is_refused(loss):
            effect = "the one output is compared with each of their columns"
        return effect, (
            'Give y as 0 and 1 without encoding it, with loss="binary_crossentropy"; '
            'or use Dense(n_classes, activation="softmax") with '
            "categorical_crossentropy."
        )
    if is_sparse or n_units < 2 or loss not in (*_LOSSES, *DISTANCE_LOSSES):
        return None
    if not _is_refused(loss):
        effect += (
            ", or, if y has the shape (n, 1), compares every output with the number"
        )
    return effect, (
        'Compile with loss="sparse_categorical_crossentropy", or encode y with '
        "keras.utils.to_categorical."
    )


class NanInInputs(Rule):
    """The inputs contain values that are NaN or infinite.

    Reads: the number of such values in the training rows, and whether the network has
    a layer that takes NaN (missing="mask", missing="indicator").
    Effect: one such value makes the loss of its batch NaN. The next update makes every
    weight NaN.
    What to do: impute the values with SimpleImputer as the first step of the pipeline,
    or drop their rows before fit.
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
        """Count values that are not finite."""
        facts = row_facts(case, "n_nonfinite")
        takes_nan = any(layer.kind == "mask" for layer in case.layers or ())
        if not facts.n_nonfinite or takes_nan:
            return None
        return self.found(
            f"The inputs contain {tally(facts.n_nonfinite, 'value')} that "
            f"{'is' if facts.n_nonfinite == 1 else 'are'} NaN or infinite.",
            {
                "NaN or infinite values": (facts.n_nonfinite, "values"),
                "columns with them": (facts.nonfinite_columns, ""),
            },
            "Impute the values with SimpleImputer as the first step of the pipeline, "
            "or drop their rows before fit.",
        )


class SingleClassTarget(Rule):
    """The loss sees only one class in the training labels.

    Reads: the class counts, the range of the labels, and the loss. From code and
    curves, it reads an accuracy near 1 while the loss is still that of a guess.
    Effect: the network learns to predict that class for every row, with a loss near 0.
    What to do: print np.unique(y, return_counts=True) just before fit. Scale X only,
    never y, and keep rows of every class.
    False alarm when: the task is to recognize one class without examples of any other.
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
        *LITTLE_LEARNED,
    )
    reference = "keras-team/keras FAQ; stackoverflow 41372874"
    fewest_rows = 5
    least_right = 0.98
    least_first_loss = 0.8  # of a guess of all classes alike

    def inspect(self, case: Case) -> Finding | None:
        """Count the classes."""
        if case.task in ("regression", "multilabel"):
            raise NotApplicable(f"the task is {case.task}")
        if case.train is None and case.rows is None and case.layers:
            return self._of_curves(case)
        n_rows, n_classes = self._size(case)
        if n_rows < self.fewest_rows:
            raise NotApplicable(
                f"{tally(n_rows, 'training row')}; at least {self.fewest_rows} are "
                "needed"
            )
        if n_classes > 1 and not self._all_become_zero(case):
            return None
        evidence = {"training rows": (n_rows, "rows"), "classes": (1, "classes")}
        if n_classes > 1 and case.rows is not None:
            evidence["largest label"] = (case.rows.target_max, "")  # type: ignore[assignment]
        return self.found(
            f"All {n_rows} training labels belong to one class"
            + (" when the loss reads them as class numbers." if n_classes > 1 else "."),
            evidence,
            "Print np.unique(y, return_counts=True) just before fit. Scale X only, "
            "never y, and keep rows of every class.",
        )

    def _of_curves(self, case: Case) -> Finding | None:
        """Look for rows that are all right before anything is learned."""
        guess, loss = uniform_guess(case), case.curves.get("loss")
        right = case.curves.get("accuracy")
        if guess is None or loss is None or right is None or len(right) < 2:
            raise NotApplicable("the labels are not known")
        high = bool(loss[0] > self.least_first_loss * guess and len(loss) > 1)
        if not high or right[:2].min() < self.least_right:
            return None
        return self.found(
            f"{right[0]:.1%} of the rows are right in the first epoch, while the loss "
            f"of {loss[0]:.3g} is still that of a guess: the labels seem to be of one "
            "class.",
            {"accuracy of the first epoch": (float(right[0]), "")},
            "Print np.unique(y, return_counts=True) just before fit. Scale X only, "
            "never y, and keep rows of every class.",
            severity="warning",
        )

    def _size(self, case: Case) -> tuple[int, int]:
        """Return the numbers of rows and classes."""
        if case.train is not None:
            return case.train.n_rows, len(case.train.present)
        facts = row_facts(case, "n_rows", "n_distinct_targets")
        return int(facts.n_rows or 0), int(facts.n_distinct_targets or 0)

    def _all_become_zero(self, case: Case) -> bool:
        """Whether the loss reads every scaled label as class 0.

        A sparse loss truncates labels to integers; the others compare them with 0.5.
        """
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
    """The labels are not encoded in the form that the loss expects.

    Reads: the kind and the range of the labels, and the loss; of code, whether it
    encodes the labels one-hot.
    Effect: Keras 3 mostly refuses the shapes. Where it does not, the loss measures
    something other than intended: a class number in a column of its own is compared
    with the output of every class.
    What to do: choose the loss for the encoding: sparse_categorical_crossentropy for
    class numbers from 0, categorical_crossentropy for one-hot rows, binary_crossentropy
    for 0 and 1.
    False alarm when: the labels are encoded between the rows given here and the loss.
    """

    code = "D03"
    name = "target-encoding-mismatch"
    severity = "error"
    explains = (
        "nonfinite-loss",
        "lr-too-high",
        "class-count-mismatch",
        "mse-for-classification",
        "wrong-loss",
        *LITTLE_LEARNED,
    )
    reference = "NeuraLint; stackoverflow 46165464"

    def inspect(self, case: Case) -> Finding | None:
        """Compare the labels with the encoding that the loss expects."""
        if case.origin in ("skloss", "scikeras", "sklearn"):
            raise NotApplicable("the estimator encodes the labels itself")
        if case.rows is None and case.preparation is not None:
            return self._of_code(case, case.preparation)
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
            f"The labels are {what}, but {loss} expects another encoding.",
            {
                "encoding of the labels": (facts.target_kind, ""),
                "smallest label": (facts.target_min, ""),
                "largest label": (facts.target_max, ""),
                "loss": (loss, ""),
            },
            fix,
        )

    def _of_code(self, case: Case, preparation: Preparation) -> Finding | None:
        """Compare the shape that the code gives the labels with that of the outputs."""
        head, kind, held = (
            case.head,
            preparation.target_kind,
            preparation.target_kind_val,
        )
        loss = loss_of(case)
        if kind is None or head is None or head.units is None:
            raise NotApplicable("the encoding of the labels is not known")
        wrong = _wrong_shape(kind, loss, head.units)
        side, found = "", kind
        if wrong is None and held is not None and held != kind:
            wrong, side = _wrong_shape(held, loss, head.units), "validation "
            found = held
            if wrong is not None:
                fix = "Encode the labels of validation_data as those given to fit."
                wrong = wrong[0], fix
        if wrong is None or (_is_refused(loss) and not side and case.n_epochs):
            return None  # Keras refuses it, so that a log is of other labels
        effect, fix = wrong
        return self.found(
            f"The {side}labels are {_KINDS[found]}, but {loss} with "
            f"{tally(head.units, 'output')} expects another encoding: {effect}.",
            {
                f"encoding of the {side}labels": (found, ""),
                "loss": (loss, ""),
                "output units": (head.units, "units"),
            },
            fix,
        )

    def _wrong(self, case: Case, facts: RowFacts, loss: str) -> tuple[str, str] | None:
        """Return what is wrong with the labels, and the fix."""
        if loss.startswith("sparse"):
            return self._wrong_numbers(facts)
        if loss.startswith("binary"):
            return self._wrong_bits(facts)
        return self._wrong_rows(case, facts)

    def _wrong_numbers(self, facts: RowFacts) -> tuple[str, str] | None:
        if facts.target_kind == "ids":
            if facts.target_min is None or facts.target_min >= 0:
                return None
            fix = "Number the classes from 0, for example with LabelEncoder."
            return "negative", fix
        if facts.target_kind in ("one_hot", "multi_hot"):
            fix = 'Compile with loss="categorical_crossentropy".'
            return "rows with one column per class", fix
        return "fractions", "Pass integer class numbers as y; scale X only, never y."

    def _wrong_bits(self, facts: RowFacts) -> tuple[str, str] | None:
        low, high = facts.target_min, facts.target_max
        if low is None or high is None or facts.target_kind in ("one_hot", "multi_hot"):
            return None
        if low < 0 or (high > 1 and (facts.n_distinct_targets or 0) <= 2):
            return self._out_of_range(low, high)
        if high > 1 and facts.target_kind in ("scaled", "real"):
            return self._out_of_range(low, high)
        return None

    @staticmethod
    def _out_of_range(low: float, high: float) -> tuple[str, str]:
        fix = "Encode the two classes as 0 and 1, for example with LabelEncoder."
        return f"numbers from {low:g} to {high:g}", fix

    def _wrong_rows(self, case: Case, facts: RowFacts) -> tuple[str, str] | None:
        head = case.head
        if facts.target_kind == "multi_hot":
            # With several labels per row the softmax is wrong, not the encoding.
            if case.task == "multilabel" and head and head.activation == "softmax":
                return None
            fix = (
                'Compile with loss="binary_crossentropy" if a row can have several '
                "labels; otherwise set exactly one column of each row to 1."
            )
            return "rows that do not sum to 1", fix
        if facts.target_kind == "one_hot" or (head and head.units == 1):
            return None
        fix = (
            'Compile with loss="sparse_categorical_crossentropy", or encode y with '
            "keras.utils.to_categorical."
        )
        return "not one-hot", fix
