"""The command line: ``skloss search``, ``diagnose``, ``report`` and ``rules``."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import skloss
from skloss.nearest_name import nearest_names

if TYPE_CHECKING:
    from skloss.diagnosis import Rule

__all__ = ["main"]

_EXAMPLES = """\
examples:
  skloss search
      the heartbeats that ship with the package
  skloss search table.csv --target fraud --positive yes --model dense
  skloss search beats.npz --target label --groups patient --channels 2
  skloss search table.csv --target y --model dense --sampler RandomOverSampler \\
      --grid "width=16,64" --grid "dropout=0,0.25" --grid "learning_rate=1e-3,1e-2"
  skloss search table.csv --target y --model dense --resume skloss-search
      go on with a search that was ended early
"""
_READABLE = (
    "a saved record, the file of a CSVLogger, a JSON file of curves, or a log that "
    "Keras printed"
)
_LEAST_TEXT = 30  # columns of a rule's first line, however narrow the terminal


class _Parser(argparse.ArgumentParser):
    """Parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments without the program's name. None takes those of the process.

    Returns
    -------
    int
        Exit code: 0, or 1 if a diagnosis has an error, or 2 for input that cannot be
        used, or 130 after Ctrl-C.

    Examples
    --------
    >>> main(["search", "nowhere.csv", "--target", "y"])
    2
    >>> main(["diagnose", "nowhere.json"])
    2
    """
    parser = _parser()
    try:
        options = parser.parse_args(argv)
        options.typed = shlex.join(
            ["skloss", *(sys.argv[1:] if argv is None else argv)]
        )
        if options.command is None:
            parser.print_help()
            return 0
        return options.run(options)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    except KeyboardInterrupt:
        sys.stderr.write("skloss: interrupted before anything was finished\n")
        return 130


def _search(options: argparse.Namespace) -> int:
    """Import what is heavy only after the arguments are known to be right."""
    _prepare_process()
    from skloss.exceptions import DataFileError
    from skloss.search.command import SearchError, run_search

    try:
        return run_search(options)
    except (DataFileError, SearchError) as err:
        return _refuse("search", str(err))


def _diagnose(options: argparse.Namespace) -> int:
    from skloss.readers import diagnose

    try:
        diagnosis = _read(diagnose, options.path)
    except _UnreadableError as err:
        return _refuse("diagnose", str(err))
    if options.json:
        _show(diagnosis.to_json(indent=2))
    else:
        _show(diagnosis.to_text(verbose=options.verbose))
    return int(any(finding.severity == "error" for finding in diagnosis.findings))


def _report(options: argparse.Namespace) -> int:
    from skloss.reports import report

    try:
        path = (made := _read(report, options.path)).save(options.out)
    except (_UnreadableError, OSError) as err:
        return _refuse("report", str(err))
    _show(f"{made.answer.headline}. Wrote {path.resolve()}")
    return 0


class _UnreadableError(Exception):
    """A path leads to nothing that can be read; the text says why."""


def _read(make: Callable[[str], Any], path: str) -> Any:
    """Make something of the record or the curves at a path."""
    from skloss.exceptions import DiagnosisError, RecordFormatError

    try:
        return make(path)
    except (RecordFormatError, DiagnosisError) as err:
        raise _UnreadableError(str(err)) from err
    except OSError as err:
        raise _UnreadableError(f"cannot read {path!r}: {err.strerror}.") from err


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
    hint = f"did you mean {near[0]!r}?" if near else "'skloss rules' lists all."
    return _refuse("rules", f"no rule is called {options.name!r}; {hint}")


def _table_of_rules(rules: Sequence[Rule]) -> Iterator[str]:
    """Lines of code, name, severity and claim, by family; long ones if not shown."""
    name_width = max((len(rule.name) for rule in rules), default=0)
    indent = " " * len(f"  N00  {'':{name_width}}  warning  ")
    # A pipe has no columns: one line a rule, for grep.
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
    except BrokenPipeError:  # the reader, head for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(command: str, reason: str) -> int:
    sys.stderr.write(f"skloss {command}: error: {reason}\n")
    return 2


def _prepare_process() -> None:
    """Set what must stand before NumPy and TensorFlow are loaded, unless the user did.

    Each fit has one thread: on two cores, two fits at once with one thread each end
    sooner than one after the other with two, and much sooner than two with two each.
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
    _add_diagnose(commands)
    _add_report(commands)
    _add_rules(commands)
    return parser


def _add_diagnose(commands: argparse._SubParsersAction) -> None:
    diagnose = commands.add_parser(
        "diagnose",
        help="say what is wrong with a training, from its record or its curves",
        description="Say what is wrong with a training, causes first, with evidence "
        "and a fix. The exit status is 1 if an error is found.",
    )
    diagnose.set_defaults(run=_diagnose)
    diagnose.add_argument("path", metavar="PATH", help=_READABLE)
    diagnose.add_argument("--json", action="store_true", help="write JSON")
    diagnose.add_argument(
        "--verbose",
        action="store_true",
        help="write remarks in full, name the rules that passed, and say why others "
        "could not be assessed",
    )


def _add_report(commands: argparse._SubParsersAction) -> None:
    report = commands.add_parser(
        "report",
        help="write one HTML page about a training, from its record or its curves",
        description="Write one self-contained HTML page about a training: whether it "
        "is any good, findings, curves, errors, configuration.",
    )
    report.set_defaults(run=_report)
    report.add_argument("path", metavar="PATH", help=_READABLE)
    report.add_argument(
        "--out",
        default="report.html",
        metavar="FILE",
        help="file to write (default ./%(default)s)",
    )


def _add_rules(commands: argparse._SubParsersAction) -> None:
    rules = commands.add_parser(
        "rules",
        help="list the rules of the diagnosis, or explain one",
        description="List the rules of the diagnosis by family, or explain one: what "
        "it reads, its effect, what to do, when it is a false alarm, its thresholds.",
    )
    rules.set_defaults(run=_rules)
    rules.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="name or code, as in linear-stack or N03",
    )


def _add_search(commands: argparse._SubParsersAction) -> None:
    search = commands.add_parser(
        "search",
        help="cross-validate a grid of networks, and show the winner's curves",
        description="Cross-validate Pipeline(StandardScaler, sampler, network) over a "
        "grid, scored by MCC and F1; refit the winner by MCC; write results.csv, "
        "curves.png and report.html.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    search.set_defaults(run=_search)
    _add_data_options(search)
    _add_model_options(search)
    _add_run_options(search)


def _add_data_options(search: argparse.ArgumentParser) -> None:
    group = search.add_argument_group("rows")
    group.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help=".csv, .parquet, or .npz with arrays X and y; without it, the heartbeats "
        "that ship with the package",
    )
    group.add_argument("--target", metavar="COLUMN", help="column of the labels")
    group.add_argument(
        "--positive", metavar="VALUE", help="label to tell from all the others"
    )
    group.add_argument(
        "--groups",
        metavar="COLUMN",
        help="column whose rows of one value (a patient, a customer) stay together",
    )


def _add_model_options(search: argparse.ArgumentParser) -> None:
    group = search.add_argument_group("networks")
    group.add_argument(
        "--model",
        choices=("cnn1d", "dense"),
        default="cnn1d",
        help="cnn1d for series (default), dense for tables",
    )
    group.add_argument(
        "--channels",
        type=_positive_int,
        metavar="N",
        help="channels of a series, whose columns are timesteps * N (default 1)",
    )
    group.add_argument(
        "--sampler",
        default="smote",
        metavar="NAME",
        help="smote (default), none, or any sampler of imbalanced-learn",
    )
    group.add_argument(
        "--grid",
        action="append",
        metavar='"NAME=V,V"',
        help="values of a parameter of the network, or of step__parameter; repeat it "
        "for more; without it dropout x width x activation",
    )


def _add_run_options(search: argparse.ArgumentParser) -> None:
    group = search.add_argument_group("run")
    group.add_argument(
        "--folds",
        type=_fold_count,
        metavar="N",
        help="folds (default 5; 3 for the heartbeats)",
    )
    group.add_argument(
        "--jobs",
        type=_positive_int,
        default=min(2, os.cpu_count() or 1),
        metavar="N",
        help="fits at once (default %(default)s)",
    )
    group.add_argument(
        "--seed",
        type=_whole_number,
        default=0,
        metavar="S",
        help="of splits, sampler and network (default 0)",
    )
    folder = group.add_mutually_exclusive_group()
    folder.add_argument(
        "--out",
        default="skloss-search",
        metavar="DIR",
        help="folder for results.csv, curves.png, report.html and the fits one by one "
        "(default ./%(default)s)",
    )
    folder.add_argument(
        "--resume",
        metavar="DIR",
        help="go on with the search in this folder that was ended early; give the same "
        "file and options",
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
