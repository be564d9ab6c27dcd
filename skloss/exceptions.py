"""Exceptions and warnings of skloss; their texts live where they are raised."""

__all__ = [
    "DataFileError",
    "DiagnosisError",
    "RecordFormatError",
    "ResampledValidationWarning",
    "SklossWarning",
    "TailValidationWarning",
    "TrainingDivergedWarning",
    "TrainingInterruptedWarning",
]


class SklossWarning(UserWarning):
    """Base class of every warning that skloss gives."""


class ResampledValidationWarning(SklossWarning):
    """The validation rows were split off rows that a sampler had already made."""


class TailValidationWarning(SklossWarning):
    """The validation rows are the last ones, as they stand, by ``validation_split``."""


class TrainingDivergedWarning(SklossWarning):
    """The training loss became NaN or infinite; earlier, finite weights were kept."""


class TrainingInterruptedWarning(SklossWarning):
    """Training was interrupted from the keyboard; the best weights so far were kept."""


class RecordFormatError(ValueError):
    """A file or text is not a training record that this version can read."""


class DataFileError(ValueError):
    """A file of rows cannot be read, or lacks what was asked of it."""


class DiagnosisError(Exception):
    """There is nothing to diagnose, or the diagnosis has findings of "error"."""
