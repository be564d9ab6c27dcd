"""Exceptions and warnings of skloss; the messages are written where they are raised."""

__all__ = [
    "DataFileError",
    "DiagnosisError",
    "RecordFormatError",
    "ResampledValidationWarning",
    "SklossWarning",
    "TailValidationWarning",
    "TrainingDivergedWarning",
    "TrainingInterruptedWarning",
    "UngroupedHoldOutWarning",
]


class SklossWarning(UserWarning):
    """Base class of every warning that skloss gives."""


class ResampledValidationWarning(SklossWarning):
    """The validation rows were held out after a sampler had resampled the rows."""


class TailValidationWarning(SklossWarning):
    """The validation rows are the last rows, not shuffled, by ``validation_split``."""


class TrainingDivergedWarning(SklossWarning):
    """The training loss became NaN or infinite; the last finite weights were kept."""


class TrainingInterruptedWarning(SklossWarning):
    """The user interrupted the training; the best weights so far were kept."""


class UngroupedHoldOutWarning(SklossWarning):
    """A cross-validation was given groups, but the hold-out inside its fits was not."""


class RecordFormatError(ValueError):
    """A file or text is not a training record, or not one that this version reads."""


class DataFileError(ValueError):
    """A data file cannot be read, or does not have a requested column or array."""


class DiagnosisError(Exception):
    """The source cannot be diagnosed, or the diagnosis has findings of "error"."""
