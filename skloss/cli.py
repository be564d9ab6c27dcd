"""The command line, ``skloss`` with ``search``, ``predict``, ``diagnose`` and more."""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from skloss.cli_options import make_parser
from skloss.nearest_name import nearest_names

if TYPE_CHECKING:
    from skloss.diagnosis import Rule

__all__ = ["main"]

_LEAST_TEXT = 30  # least width of the text about a rule, in a narrow terminal


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments without the name of the program. None uses those of the process.

    Returns
    -------
    int
        Exit code: 0 for success, 1 if a diagnosis has an error (or a warning, if that
        was asked for), 2 for invalid input,
        3 if the results cannot be written or printed, 4 for a fault of skloss, and 130
        after Ctrl-C.

    Examples
    --------
    >>> main(["search", "nowhere.csv", "--target", "y"])
    2
    >>> main(["diagnose", "nowhere.json"])
    2
    """
    try:
        with _any_character(sys.stdout), _any_character(sys.stderr):
            return _run(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    except KeyboardInterrupt:
        _complain("skloss: interrupted before anything was finished")
        return 130
    except OSError as err:
        _complain(f"skloss: error: cannot write {_place(err)}: {err.strerror or err}")
        _drop_output()
        return 3
    except MemoryError:
        _complain("skloss: error: there is not enough memory for this")
        return 3
    except Exception:
        traceback.print_exc()
        _complain("skloss: error: this is a fault of skloss; please report it")
        return 4


def _run(argv: Sequence[str] | None) -> int:
    parser = make_parser()
    options = parser.parse_args(argv)
    options.typed = shlex.join(["skloss", *(sys.argv[1:] if argv is None else argv)])
    if options.command is None:
        parser.print_help()
        return 0
    code = _COMMANDS[options.command](options)
    sys.stdout.flush()
    return code


@contextmanager
def _any_character(stream: TextIO) -> Iterator[None]:
    """Escape the characters that the encoding of a stream does not have."""
    if not isinstance(stream, io.TextIOWrapper):  # replaced, such as by a notebook
        yield
        return
    old = stream.errors
    stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        with suppress(OSError, ValueError):  # a full disk, or a closed stream
            stream.reconfigure(errors=old)


def _place(err: OSError) -> str:
    return "the output" if err.filename is None else str(err.filename)


def _complain(sentence: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"{sentence}\n")


def _drop_output() -> None:
    """Send what is still to be printed to nowhere; at exit it would fail once more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _search(options: argparse.Namespace) -> int:
    """Run a search; heavy packages are imported after the arguments are checked."""
    _prepare_process()
    from skloss.exceptions import DataFileError
    from skloss.search.command import SearchError, run_search

    try:
        return run_search(options)
    except (DataFileError, SearchError) as err:
        return _refuse("search", str(err))


def _train(options: argparse.Namespace) -> int:
    """Train on a folder; one fit may use all threads."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from skloss.train_command import TrainError, run_train

    try:
        return run_train(options)
    except TrainError as err:
        return _refuse("train", str(err))


def _predict(options: argparse.Namespace) -> int:
    """Predict rows; what is printed is only the table, so that it can be redirected."""
    _prepare_process()
    from skloss.exceptions import DataFileError
    from skloss.search.model_files import load_model
    from skloss.search.predict import predictions_as_csv, read_rows
    from skloss.whole_files import write_whole

    try:
        model = load_model(_path(options.model))
        missing = tuple(options.missing)
        rows, notes = read_rows(model, _path(options.file), missing)
        text, warnings = predictions_as_csv(model, rows)
    except DataFileError as err:
        return _refuse("predict", str(err))
    for note in (*notes, *warnings):
        _complain(f"skloss predict: {note}")
    if options.out is None:
        _show(text.rstrip("\n"))
    else:
        path = write_whole(options.out, text)
        _show(f"Wrote {len(rows):,} predictions to {path.resolve()}")
    return 0


def _repair(options: argparse.Namespace) -> int:
    """Repair a training; what is printed is the path, or its numbers."""
    _prepare_process()
    from skloss.exceptions import DataFileError, DiagnosisError
    from skloss.repairs.command import run_repair

    try:
        path, text = run_repair(options)
    except (DataFileError, DiagnosisError, ValueError) as err:
        return _refuse("repair", " ".join(str(err).split()))
    _show(text)
    if path is not None:
        _complain(f"skloss repair: wrote the repaired estimator to {path.resolve()}")
    return 0


def _path(given: str) -> Path:
    """Return a path with ``~`` replaced, if there is such a user."""
    try:
        return Path(given).expanduser()
    except RuntimeError:
        return Path(given)


def _diagnose(options: argparse.Namespace) -> int:
    from skloss.diagnosis.finding import ALARMS
    from skloss.readers import diagnose

    try:
        read = partial(diagnose, history=options.log) if options.log else diagnose
        diagnosis = _read(read, options.path, **_asked(options))
    except _UnreadableError as err:
        return _refuse("diagnose", str(err))
    if options.format == "jsonl":
        for finding in diagnosis.to_dict()["findings"]:
            _show(json.dumps(finding, allow_nan=False))
    elif options.format == "json":
        _show(diagnosis.to_json(indent=2))
    else:
        from skloss.diagnosis.text import steps_text

        parts = diagnosis.to_text(options.verbose), steps_text(diagnosis.next_steps)
        _show("\n\n".join(filter(None, parts)))
    failing = {"error": ("error",), "warning": ALARMS, "never": ()}[options.fail_on]
    return int(any(finding.severity in failing for finding in diagnosis.findings))


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    """Return the training of a log that is read, and the rules that are left out."""
    from skloss.exceptions import DiagnosisError
    from skloss.project_file import ignored_in_project

    given = [name for text in options.ignore for name in text.split(",") if name]
    try:
        ignore = [*given, *ignored_in_project(Path())]
    except DiagnosisError as err:
        raise _UnreadableError(str(err)) from err
    asked = {"run": options.training, "ignore": ignore}
    return {name: value for name, value in asked.items() if value}


def _report(options: argparse.Namespace) -> int:
    from skloss.reports import report

    try:
        asked = _asked(options) | {"format": options.format}
        made = _read(report, options.path, **asked)
    except _UnreadableError as err:
        return _refuse("report", str(err))
    try:
        default = "model_card.md" if options.format == "card" else "report.html"
        path = made.save(options.out or default)
    except OSError as err:
        _complain(f"skloss report: error: {err}")
        return 3
    _show(f"{made.answer.headline}. Wrote {path.resolve()}")
    return 0


class _UnreadableError(Exception):
    """The file at a path cannot be read; the text says why."""


def _read(make: Callable[..., Any], path: str, **asked: Any) -> Any:
    """Call a function with a path, and turn its errors into one sentence."""
    from skloss.exceptions import DiagnosisError, RecordFormatError

    try:
        if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise _UnreadableError(
                f"cannot read {path!r}: it is a pipe or a device, not a file."
            )
        return make(path, **asked)
    except (RecordFormatError, DiagnosisError) as err:
        raise _UnreadableError(str(err)) from err
    except OSError as err:
        name = err.filename if isinstance(err.filename, str) else path
        raise _UnreadableError(f"cannot read {name!r}: {err.strerror}.") from err


def _rules(options: argparse.Namespace) -> int:
    from skloss.diagnosis import RULES

    if options.name is None:
        _show("\n".join(_table_of_rules(list(RULES.values()))))
        return 0
    by_code = {rule.code.lower(): rule for rule in RULES.values()}
    name = options.name.lower().replace("_", "-")
    rule = RULES.get(name) or by_code.get(name)
    if rule is not None:
        _show(rule.page())
        return 0
    near = nearest_names(name, RULES)
    hint = f"did you mean {near[0]!r}?" if near else "'skloss rules' lists all rules."
    return _refuse("rules", f"there is no rule {options.name!r}; {hint}")


def _table_of_rules(rules: Sequence[Rule]) -> Iterator[str]:
    """List the code, name, severity and claim of each rule, by family."""
    name_width = max((len(rule.name) for rule in rules), default=0)
    indent = " " * len(f"  N00  {'':{name_width}}  warning  ")
    # A pipe has no width: each rule is one line, so that grep can be used.
    columns = shutil.get_terminal_size(fallback=(10_000, 0)).columns
    family = None
    for rule in rules:
        if rule.family != family:
            family = rule.family
            yield family
        claim = rule.claim()
        yield textwrap.fill(
            f"  {rule.code}  {rule.name:{name_width}}  {rule.severity:7}  {claim}",
            max(columns, len(indent) + _LEAST_TEXT),
            subsequent_indent=indent,
            break_on_hyphens=False,
        )


def _show(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader, such as head, has closed the pipe
        _drop_output()


def _refuse(command: str, reason: str) -> int:
    _complain(f"skloss {command}: error: {reason}")
    return 2


def _prepare_process() -> None:
    """Set environment variables that NumPy and TensorFlow read when they are loaded.

    Variables that the user has set are kept. Each fit uses one thread. On two cores,
    two fits at the same time with one thread each are faster than two fits in turn with
    two threads, and much faster than two fits at the same time with two threads each.
    """
    for name in (
        "TF_NUM_INTRAOP_THREADS",
        "OPENBLAS_NUM_THREADS",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
    ):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "search": _search,
    "train": _train,
    "predict": _predict,
    "diagnose": _diagnose,
    "repair": _repair,
    "report": _report,
    "rules": _rules,
}
