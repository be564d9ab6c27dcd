"""The rule about images of two ranges of values."""

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.symptoms import row_facts
from skloss.diagnosis.finding import Finding
from skloss.diagnosis.rule import Rule


class ImagesOfTwoRanges(Rule):
    """Some images have values from 0 to 1, and others whole numbers up to 255.

    Reads: the largest value of each image, and whether its values are whole numbers.
    Effect: to the network the images of the one kind are black. It learns which file or
    which camera an image is from, not what is on it.
    What to do: divide the images of whole numbers by 255 where they are read, so that
    all values are from 0 to 1.
    False alarm when: nearly black images of whole numbers stand among fractions.
    """

    code = "D22"
    name = "images-of-two-ranges"
    explains = ("unscaled-inputs", "feature-shift", "weak-input-variation")

    fewest = 0.01  # of all images, of the rarer kind

    def inspect(self, case: Case) -> Finding | None:
        """Look for a share of images of each kind."""
        share = row_facts(case, "two_ranges_share").two_ranges_share
        if share is None or share < self.fewest:
            return None
        return self.found(
            "Some images have values from 0 to 1, and others whole numbers far above.",
            {"share of the images of the rarer range": (share, "")},
            "Divide the images of whole numbers by 255 where they are read.",
        )
