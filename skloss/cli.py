"""The command line, ``skloss`` with ``search``, ``predict``, ``diagnose`` and more."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shlex
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import skloss
from skloss.nearest_name import nearest_names

if TYPE_CHECKING:
    from skloss.diagnosis import Rule

__all__ = ["main"]

_EXAMPLES = """\
examples:
  skloss search
      search on the heartbeats data that ships with the package
  skloss search table.csv --target fraud --positive yes --model dense
  skloss search beats.npz --target label --groups patient --channels 2
  skloss search table.csv --target y --model dense --sampler RandomOverSampler \\
      --grid "width=16,64" --grid "dropout=0,0.25" --grid "learning_rate=1e-3,1e-2"
  skloss search table.csv --target y --model dense --resume skloss-search
      resume an interrupted search
  skloss predict skloss-search/model.joblib new.csv --out predictions.csv
      predict new rows with the winner
"""
_READABLE = (
    "a saved training record, a CSV or JSON file of curves, a log that was printed, a "
    "notebook, or a folder of MLflow or TensorBoard"
)
_CODE = (
    "the code of a training, which is read and never run: a script, a notebook or a "
    "question in Markdown"
)
_LEAST_TEXT = 30  # least width of the text about a rule, in a narrow terminal


class _Parser(argparse.ArgumentParser):
    """Parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}{self._hint(message)}\n")

    def _hint(self, message: str) -> str:
        """Ask for the nearest choice or option, if a name is not one."""
        wrong = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)$", message)
        unknown = re.search(r"unrecognized arguments:.*?(--[\w-]+)", message)
        if wrong is not None:
            # Python 3.12 and newer write the choices without quotes.
            choices = [choice.strip("' ") for choice in wrong[2].split(",")]
            near = nearest_names(wrong[1], choices)
        elif unknown is not None:
            near = nearest_names(unknown[1], self._all_options())
        else:
            return ""
        return f"; did you mean {near[0]!r}?" if near else ""

    def _all_options(self) -> set[str]:
        """Return the options of this command and of those below it."""
        found = {name for name in self._option_string_actions if name.startswith("--")}
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for parser in action.choices.values():
                    found |= parser._all_options()
        return found


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
    parser = _parser()
    options = parser.parse_args(argv)
    options.typed = shlex.join(["skloss", *(sys.argv[1:] if argv is None else argv)])
    if options.command is None:
        parser.print_help()
        return 0
    code = options.run(options)
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


def _predict(options: argparse.Namespace) -> int:
    """Predict rows; what is printed is only the table, so that it can be redirected."""
    _prepare_process()
    from skloss.exceptions import DataFileError
    from skloss.search.predict import load_model, predictions_as_csv, read_rows
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
        made = _read(report, options.path, **_asked(options))
    except _UnreadableError as err:
        return _refuse("report", str(err))
    try:
        path = made.save(options.out)
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="skloss",
        description=skloss.__doc__.splitlines()[0] if skloss.__doc__ else None,
    )
    parser.add_argument(
        "--version", action="version", version=f"skloss {skloss.__version__}"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_search(commands)
    _add_predict(commands)
    _add_diagnose(commands)
    _add_report(commands)
    _add_rules(commands)
    return parser


def _add_diagnose(commands: argparse._SubParsersAction) -> None:
    diagnose = commands.add_parser(
        "diagnose",
        help="find what is wrong with a training, from its record, curves or code",
        description="Find what is wrong with a training. Each finding has evidence and "
        "a fix; causes come before their symptoms. The exit status is 1 if a finding "
        "is an error, or as --fail-on says.",
    )
    diagnose.set_defaults(run=_diagnose)
    diagnose.add_argument("path", metavar="PATH", help=f"{_READABLE}, or {_CODE}")
    diagnose.add_argument(
        "log",
        metavar="LOG",
        nargs="?",
        help="log that the code of PATH printed, where it is a file of its own",
    )
    _add_reading_options(diagnose)
    diagnose.add_argument(
        "--format",
        choices=("text", "json", "jsonl"),
        default="text",
        help="print text (default), JSON, or each finding as a line of JSON",
    )
    diagnose.add_argument(
        "--json",
        action="store_const",
        const="json",
        dest="format",
        help="the same as --format json",
    )
    diagnose.add_argument(
        "--fail-on",
        choices=("error", "warning", "never"),
        default="error",
        help="least severity that makes the exit status 1 (default %(default)s)",
    )
    diagnose.add_argument(
        "--verbose",
        action="store_true",
        help="print remarks in full, list the rules that passed, and give the reason "
        "for each rule that was not assessed",
    )


def _add_reading_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--run",
        dest="training",
        type=_positive_int,
        metavar="N",
        help="which of several trainings in a log is read, from 1 (default: the last "
        "of at least five epochs)",
    )
    command.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="RULES",
        help="codes or names of rules that are not run, separated by commas; also as "
        "ignore in [tool.skloss] of ./pyproject.toml",
    )


def _add_report(commands: argparse._SubParsersAction) -> None:
    report = commands.add_parser(
        "report",
        help="write an HTML page about a training, from its record or its curves",
        description="Write one self-contained HTML page about a training. It compares "
        "the network with baselines, and shows the findings of the diagnosis, the "
        "training curves, the errors and the configuration.",
    )
    report.set_defaults(run=_report)
    report.add_argument("path", metavar="PATH", help=_READABLE)
    _add_reading_options(report)
    report.add_argument(
        "--out",
        default="report.html",
        metavar="FILE",
        help="file to write (default ./%(default)s)",
    )


def _add_rules(commands: argparse._SubParsersAction) -> None:
    rules = commands.add_parser(
        "rules",
        help="list the rules of the diagnosis, or explain one rule",
        description="List the rules of the diagnosis by family, or explain one rule: "
        "what it reads, its effect, what to do, when it is a false alarm, and its "
        "thresholds.",
    )
    rules.set_defaults(run=_rules)
    rules.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="name or code of a rule, such as linear-stack or N03",
    )


def _add_search(commands: argparse._SubParsersAction) -> None:
    search = commands.add_parser(
        "search",
        help="run a cross-validated grid search of networks",
        description=textwrap.fill(
            "Run a cross-validated grid search of Pipeline(scaler, sampler, network), "
            "scored by MCC and F1, beside baselines on the same folds. The candidate "
            "with the highest MCC is trained again on all rows. The results are "
            "written to results.csv, curves.png, report.html and model.joblib.",
            78,
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    search.set_defaults(run=_search)
    _add_data_options(search)
    _add_model_options(search)
    _add_run_options(search)


def _add_predict(commands: argparse._SubParsersAction) -> None:
    predict = commands.add_parser(
        "predict",
        help="predict the rows of a file with the model of a search",
        description="Predict the class and the probabilities of each row, as CSV, in "
        "the order of the rows. Load only models that you trust: a model can run code.",
    )
    predict.set_defaults(run=_predict)
    predict.add_argument("model", metavar="MODEL", help="model.joblib of a search")
    predict.add_argument(
        "file",
        metavar="FILE",
        help="rows in any form that skloss search reads; columns are found by name, "
        "and others are not used",
    )
    predict.add_argument(
        "--out", metavar="FILE", help="file to write (default: print the table)"
    )
    _add_missing(predict)


def _add_missing(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--missing",
        action="append",
        default=[],
        metavar="VALUE",
        help="value that stands for a missing one, such as --missing=-999; can be "
        "repeated",
    )


def _add_data_options(search: argparse.ArgumentParser) -> None:
    group = search.add_argument_group("data")
    group.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help=".csv, .tsv, .csv.gz, .parquet, .npy, or .npz with arrays X and y "
        "(default: the heartbeats data that ships with the package)",
    )
    group.add_argument("--target", metavar="COLUMN", help="column of the labels")
    group.add_argument(
        "--positive",
        metavar="VALUE",
        help="label of the positive class; all other labels become the negative class",
    )
    group.add_argument(
        "--groups",
        metavar="COLUMN",
        help="column of groups, such as patients; the rows of a group stay in one fold",
    )
    for name, meaning in (
        ("drop", "column to leave out; can be repeated"),
        ("keep", "column to keep though it looks like an index or like the target"),
    ):
        group.add_argument(
            f"--{name}", action="append", default=[], metavar="COLUMN", help=meaning
        )
    _add_missing(group)


def _add_model_options(search: argparse.ArgumentParser) -> None:
    group = search.add_argument_group("network")
    group.add_argument(
        "--model",
        choices=("cnn1d", "dense"),
        default="cnn1d",
        help="cnn1d for time series (default), dense for tables",
    )
    group.add_argument(
        "--channels",
        type=_positive_int,
        metavar="N",
        help="number of channels of a time series with timesteps * N columns "
        "(default 1)",
    )
    group.add_argument(
        "--sampler",
        metavar="NAME",
        help="smote (default, except for the grid of cnn1d, which has class weights), "
        "none, or the name of any sampler of imbalanced-learn",
    )
    group.add_argument(
        "--grid",
        action="append",
        metavar='"NAME=V,V"',
        help="values of a parameter of the network, or of step__parameter; can be "
        "repeated (default: batch_norm, class_weight and global_pooling of cnn1d; "
        "dropout, width and activation of dense)",
    )


def _add_run_options(search: argparse.ArgumentParser) -> None:
    group = search.add_argument_group("run")
    group.add_argument(
        "--folds",
        type=_fold_count,
        metavar="N",
        help="number of folds (default 5)",
    )
    group.add_argument(
        "--jobs",
        type=_positive_int,
        default=min(2, os.cpu_count() or 1),
        metavar="N",
        help="number of fits at the same time (default %(default)s)",
    )
    group.add_argument(
        "--seed",
        type=_whole_number,
        default=0,
        metavar="S",
        help="random seed of the folds, the sampler and the network (default 0)",
    )
    folder = group.add_mutually_exclusive_group()
    folder.add_argument(
        "--out",
        default="skloss-search",
        metavar="DIR",
        help="folder for results.csv, curves.png, report.html, model.joblib and the "
        "list of finished fits (default ./%(default)s)",
    )
    folder.add_argument(
        "--resume",
        metavar="DIR",
        help="resume the interrupted search in this folder; use the same file and "
        "options",
    )


def _positive_int(text: str) -> int:
    return _at_least(text, 1)


def _fold_count(text: str) -> int:
    return _at_least(text, 2)


def _whole_number(text: str) -> int:
    return _at_least(text, 0)


def _at_least(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(
            f"must be a whole number of at least {least}, got {text!r}"
        )
    return int(text)
