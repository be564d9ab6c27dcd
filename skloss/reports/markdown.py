"""Text, tables and code in Markdown; what would be read as markup is escaped."""

from __future__ import annotations

import re

from skloss.diagnosis.words import printable
from skloss.reports.tables import Table

__all__ = ["Markdown", "code_block", "code_span", "escaped", "table_text"]

# An underscore within a word, as in val_loss, is plain text.
_MARKUP = re.compile(r"[\\`*\[\]|~$!]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# At the start of a line these make headings, lists and rules.
_LINE_START = re.compile(r"^(\d{1,9}(?=[.)](?: |$)))?(#|[=+-](?![\w.])|(?<=\d)[.)])")
_BACKTICKS = re.compile("`+")


class Markdown(str):
    """Text that is Markdown already, which is not escaped again."""

    __slots__ = ()


def escaped(value: object) -> Markdown:
    r"""Write a value as Markdown that shows its text as it is, in one line.

    Examples
    --------
    >>> print(escaped("val_loss of *all* <b>rows</b> | _x_"))
    val_loss of \*all\* &lt;b&gt;rows&lt;/b&gt; \| \_x\_
    >>> print(escaped("# 1"), escaped("1. step"), escaped("-0.5"))
    \# 1 1\. step -0.5
    """
    if isinstance(value, Markdown):
        return value
    text = " ".join(printable(str(value)).split())
    text = _MARKUP.sub(lambda found: f"\\{found[0]}", text)
    for sign, entity in _ENTITIES.items():
        text = text.replace(sign, entity)
    return Markdown(_LINE_START.sub(r"\1\\\2", text))


def table_text(table: Table) -> Markdown:
    r"""Write a table as Markdown, with numbers to the right.

    Examples
    --------
    >>> from skloss.reports.tables import Cell
    >>> rows = ((Cell("A|B"), Cell("0.50", 0.5)),)
    >>> print(table_text(Table("Scores", ("model", "MCC"), rows)))
    | model | MCC |
    |:---|---:|
    | A\|B | 0.50 |
    """
    numeric = [
        any(row[place].number is not None for row in table.rows)
        for place in range(len(table.columns))
    ]
    lines = [
        _line(table.columns),
        "|" + "|".join("---:" if is_number else ":---" for is_number in numeric) + "|",
        *(_line([cell.text for cell in row]) for row in table.rows),
    ]
    return Markdown("\n".join(lines))


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"


def code_block(text: str, language: str = "") -> Markdown:
    """Write code between fences that are longer than any fence within it.

    Examples
    --------
    >>> print(code_block("model.fit(X, y)", "python"))
    ```python
    model.fit(X, y)
    ```
    """
    fence = "`" * max(3, _longest(text) + 1)
    lines = "\n".join(printable(line) for line in text.split("\n"))
    return Markdown(f"{fence}{language}\n{lines}\n{fence}")


def code_span(text: str) -> Markdown:
    """Write code within a sentence, between more backticks than it has in a row.

    Examples
    --------
    >>> print(code_span("epochs=20"), code_span("a`b"))
    `epochs=20` ``a`b``
    """
    text = " ".join(printable(text).split())
    fence = "`" * (_longest(text) + 1)
    blank = " " if text.startswith("`") or text.endswith("`") else ""
    return Markdown(f"{fence}{blank}{text}{blank}{fence}")


def _longest(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
