"""The rule about probabilities that are too high because training changed the prior."""

import numpy as np

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.training_loss import class_weights
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import NotApplicable, Rule
from skloss.diagnosis.words import tally

_OF_THE_ENGINE = ("crossentropy", "focal", "logit_adjusted")


class InflatedProbabilities(Rule):
    """Probabilities of a class are far above its share, as training saw more of it.

    Reads: the mean probability of the smallest class on validation rows and its share
    there, and the class shares in the training loss, after samplers and class weights.
    Effect: a probability of 0.5 means less than one half. Costs and expected numbers
    that are computed from probabilities are wrong, and so is the threshold 0.5. The
    order of the rows is not affected.
    What to do: set prior_correction=True in a skloss classifier, or wrap the whole
    pipeline in CalibratedClassifierCV; then choose the threshold on purpose.
    False alarm when: only the order of the rows, or a tuned threshold, is used. This is
    always a remark. The distance must exceed three standard errors.
    """

    code = "G17"
    name = "inflated-probabilities"
    severity = "info"
    reference = "Saerens et al. 2002; van den Goorbergh et al. 2022"
    least_ratio = 1.5  # mean probability over share
    least_shift = 1.5  # share in the training loss over share in validation
    errors = 3
    fewest_minority = 10

    def inspect(self, case: Case) -> Finding | None:
        """Compare the mean probability with the share, and both with the training."""
        part = case.val
        means = () if part is None else part.mean_probability or ()
        if part is None or len(means) != len(part.counts):
            raise NotApplicable("the probabilities of validation rows are not known")
        rare = part.minority
        if part.n_minority < self.fewest_minority:
            raise NotApplicable(
                f"{tally(part.n_minority, 'row')} of the smallest class; at least "
                f"{self.fewest_minority} are needed"
            )
        share, mean = float(part.prior[rare]), means[rare]
        ratio = mean / share
        error = float(np.sqrt(share * (1 - share) / part.n_rows))
        learned = self._learned(case)
        if learned is not None and len(learned) != len(part.counts):
            raise NotApplicable("training and validation have different classes")
        if learned is not None and learned[rare] < self.least_shift * share:
            return None
        if ratio < self.least_ratio or mean - share < self.errors * error:
            return None
        evidence: dict[str, object] = {
            "mean probability of the smallest class": (mean, ""),
            "its share of the validation rows": (share, "of the rows"),
            "mean probability over share": (ratio, ""),
        }
        if learned is not None:
            evidence["its share in the training loss"] = (float(learned[rare]), "")
        loss = case.training.loss if case.training else None
        corrects = case.origin == "skloss" and loss in _OF_THE_ENGINE
        return self.found(
            f"Probabilities of the smallest class are inflated {ratio:.1f} times: the "
            f"mean of validation rows is {mean:.3g}, the share {share:.3g}.",
            evidence,
            "Set prior_correction=True in a skloss classifier, or wrap the whole "
            "pipeline in CalibratedClassifierCV.",
            params={"prior_correction": True} if corrects else None,
        )

    @staticmethod
    def _learned(case: Case) -> np.ndarray | None:
        """Shares of the classes in the training loss; None if it shifts the logits."""
        if case.training is not None and case.training.loss == "logit_adjusted":
            return None
        if case.train is None:
            raise NotApplicable("the class shares of the training rows are not known")
        weights = class_weights(case, np.asarray(case.train.counts, float))
        if weights is None:
            raise NotApplicable("the class weights are not known")
        learned = weights * case.train.prior
        total: float = learned.sum()
        if not total:
            raise NotApplicable("no training row has a weight")
        shares: np.ndarray = learned / total
        return shares
