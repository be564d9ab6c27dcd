"""The command line, ``skloss`` with ``search``, ``diagnose``, ``report``, ``rules``."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import textwrap
from functools import partial
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
      search on the heartbeats data that ships with the package
  skloss search table.csv --target fraud --positive yes --model dense
  skloss search beats.npz --target label --groups patient --channels 2
  skloss search table.csv --target y --model dense --sampler RandomOverSampler \\
      --grid "width=16,64" --grid "dropout=0,0.25" --grid "learning_rate=1e-3,1e-2"
  skloss search table.csv --target y --model dense --resume skloss-search
      resume an interrupted search
"""
_READABLE = (
    "a saved training record, a CSV file of CSVLogger, a JSON file of curves, or a log "
    "printed by Keras"
)
_LEAST_TEXT = 30  # least width of the text about a rule, in a narrow terminal


class _Parser(argparse.ArgumentParser):
    """Parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments without the name of the program. None uses those of the process.

    Returns
    -------
    int
        Exit code: 0 for success, 1 if a diagnosis has an error, 2 for invalid input,
        and 130 after Ctrl-C.

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
        sys.stderr.write("skloss: interrupted, no results\n")
        return 130


def _search(options: argparse.Namespace) -> int:
    """Run a search; heavy packages are imported after the arguments are checked."""
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
        read = partial(diagnose, history=options.log) if options.log else diagnose
        diagnosis = _read(read, options.path)
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
    """The file at a path cannot be read; the text says why."""


def _read(make: Callable[[str], Any], path: str) -> Any:
    """Call a function with a path, and turn its errors into one sentence."""
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(command: str, reason: str) -> int:
    sys.stderr.write(f"skloss {command}: error: {reason}\n")
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
    _add_diagnose(commands)
    _add_report(commands)
    _add_rules(commands)
    return parser


def _add_diagnose(commands: argparse._SubParsersAction) -> None:
    diagnose = commands.add_parser(
        "diagnose",
        help="find what is wrong with a training, from its record or its curves",
        description="Find what is wrong with a training. Each finding has evidence and "
        "a fix; causes come before their symptoms. The exit status is 1 if a finding "
        "is an error.",
    )
    diagnose.set_defaults(run=_diagnose)
    diagnose.add_argument("path", metavar="PATH", help=_READABLE)
    diagnose.add_argument(
        "log", metavar="LOG", nargs="?", help="log of a script; PATH is its code"
    )
    diagnose.add_argument("--json", action="store_true", help="print JSON")
    diagnose.add_argument(
        "--verbose",
        action="store_true",
        help="print remarks in full, list the rules that passed, and give the reason "
        "for each rule that was not assessed",
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
            "Run a cross-validated grid search of Pipeline(StandardScaler, sampler, "
            "network), scored by MCC and F1. The candidate with the highest MCC is "
            "trained again on all rows. The results are written to results.csv, "
            "curves.png and report.html.",
            78,
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    search.set_defaults(run=_search)
    _add_data_options(search)
    _add_model_options(search)
    _add_run_options(search)


def _add_data_options(search: argparse.ArgumentParser) -> None:
    group = search.add_argument_group("data")
    group.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help=".csv, .parquet, or .npz with arrays X and y (default: the heartbeats "
        "data that ships with the package)",
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
        default="smote",
        metavar="NAME",
        help="smote (default), none, or the name of any sampler of imbalanced-learn",
    )
    group.add_argument(
        "--grid",
        action="append",
        metavar='"NAME=V,V"',
        help="values of a parameter of the network, or of step__parameter; can be "
        "repeated (default: values of dropout, width and activation)",
    )


def _add_run_options(search: argparse.ArgumentParser) -> None:
    group = search.add_argument_group("run")
    group.add_argument(
        "--folds",
        type=_fold_count,
        metavar="N",
        help="number of folds (default 5; 3 for the heartbeats data)",
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
        help="folder for results.csv, curves.png, report.html and the list of finished "
        "fits (default ./%(default)s)",
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
