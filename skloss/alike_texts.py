"""Texts that a reader takes for the same word, such as a label with a blank behind."""

import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterable

from skloss.exceptions import AlikeNamesWarning

__all__ = ["alike_texts", "plain_form", "warn_of_alike"]


def plain_form(text: str) -> str:
    r"""Return a text without blanks around it, with equal letters written equally.

    Examples
    --------
    >>> plain_form("Cafe\u0301 ") == "Caf\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text).strip()


def alike_texts(texts: Iterable[str]) -> list[list[str]]:
    """Group texts that differ in nothing but case, blanks or form of their letters.

    Examples
    --------
    >>> alike_texts(["yes", "no", "Yes", "yes "])
    [['yes', 'Yes', 'yes ']]
    """
    by_word = defaultdict(list)
    for text in dict.fromkeys(texts):
        by_word[" ".join(plain_form(text).split()).casefold()].append(text)
    return [same for same in by_word.values() if len(same) > 1]


def warn_of_alike(kind: str, names: Iterable[object], stacklevel: int) -> None:
    """Warn of labels or columns that are read as the same word but are kept apart.

    Parameters
    ----------
    kind : str
        What they are, in the plural.
    names : iterable
        Those that are no texts are passed over.
    stacklevel : int
        As for :func:`warnings.warn`, seen from the caller.
    """
    for same in alike_texts(name for name in names if isinstance(name, str)):
        # Two forms of a letter look the same, hence their codes.
        shown = ", ".join(
            map(repr if len(set(map(plain_form, same))) > 1 else ascii, same)
        )
        warnings.warn(
            f"The {kind} {shown} differ only in case, blanks or the form of their "
            "letters, and are kept apart: rename them if they mean the same.",
            AlikeNamesWarning,
            stacklevel=stacklevel + 1,
        )
