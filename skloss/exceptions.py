"""Exceptions and warnings of skloss; the messages are written where they are raised."""

__all__ = [
    "AlikeNamesWarning",
    "DataFileError",
    "DiagnosisError",
    "ForkedProcessError",
    "ImageShapeWarning",
    "ModelFileError",
    "RecordFormatError",
    "ResampledValidationWarning",
    "SeriesOrderWarning",
    "SklossWarning",
    "TailValidationWarning",
    "TrainingDivergedWarning",
    "TrainingInterruptedWarning",
    "UngroupedHoldOutWarning",
]


class SklossWarning(UserWarning):
    """Base class of every warning that skloss gives."""


class AlikeNamesWarning(SklossWarning):
    """Labels or columns differ only in case, blanks or the form of their letters."""


class ImageShapeWarning(SklossWarning):
    """Folded rows make no square image, and no shape of the images was given."""


class ResampledValidationWarning(SklossWarning):
    """The validation rows were held out after a sampler had resampled the rows."""


class SeriesOrderWarning(SklossWarning):
    """Series have more channels than timesteps, as if these two were exchanged."""


class TailValidationWarning(SklossWarning):
    """The validation rows are the last rows, not shuffled, by ``validation_split``."""


class TrainingDivergedWarning(SklossWarning):
    """The loss or a weight became NaN or infinite; the last finite weights are kept."""


class TrainingInterruptedWarning(SklossWarning):
    """The user interrupted a fit by hand; the best weights so far were kept.

    A fit is by hand if only code of the user's own has called it, perhaps through a
    pipeline. In a search, a cross-validation or any other package that may compare
    fits, and at the second Ctrl-C in a script or in one statement of a notebook,
    ``KeyboardInterrupt`` is raised instead.
    """


class ForkedProcessError(RuntimeError):
    """TensorFlow had run before this process was forked, and cannot run in it."""


class UngroupedHoldOutWarning(SklossWarning):
    """A cross-validation was given groups, but the hold-out inside its fits was not."""


class ScorerFailedWarning(SklossWarning):
    """A scorer of ``scoring`` or ``monitor`` raised an error after an epoch."""


class RecordFormatError(ValueError):
    """A file or text is not a training record, or not one that this version reads."""


class ModelFileError(ValueError):
    """A file of a fitted estimator cannot be read, or an estimator not be written."""


class DataFileError(ValueError):
    """A data file cannot be read, or does not have a requested column or array."""


class DiagnosisError(Exception):
    """The source cannot be diagnosed, or the diagnosis has findings of "error"."""
