"""The commands of ``skloss`` and their options."""

from __future__ import annotations

import argparse
import re
import textwrap
from typing import NoReturn

import skloss
from skloss.cli_option_groups import (
    add_data_options,
    add_folds_and_seed,
    add_missing,
    add_model_options,
    add_network,
    add_run_options,
    fraction,
    positive_int,
    whole_number,
)
from skloss.nearest_name import nearest_names

__all__ = ["make_parser"]

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
  skloss predict skloss-search/model.safetensors new.csv --out predictions.csv
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


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of ``skloss`` and its commands."""
    parser = _Parser(
        prog="skloss",
        description=skloss.__doc__.splitlines()[0] if skloss.__doc__ else None,
    )
    parser.add_argument(
        "--version", action="version", version=f"skloss {skloss.__version__}"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_search(commands)
    _add_train(commands)
    _add_predict(commands)
    _add_diagnose(commands)
    _add_repair(commands)
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
        type=positive_int,
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


def _add_repair(commands: argparse._SubParsersAction) -> None:
    repair = commands.add_parser(
        "repair",
        help="apply the fixes of a diagnosis, and keep those that help",
        description="Train a network on the rows of a file and diagnose it. Apply the "
        "fixes one by one, score each on the same folds, and keep those that help "
        "beyond chance. The kept changes are printed as code.",
    )
    add_data_options(repair, needs_file=True)
    group = repair.add_argument_group("network")
    group.add_argument(
        "--estimator",
        metavar="MODEL",
        help="what is repaired, such as the model of a search; load only files "
        "of joblib that you trust (default: a network behind a scaler)",
    )
    add_network(group, "none (default)", "dense")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="parameter of the network, or step__parameter; can be repeated",
    )
    group = repair.add_argument_group("run")
    add_folds_and_seed(group)
    group.add_argument("--scoring", default="matthews_corrcoef", help="scorer to use")
    group.add_argument("--trials", type=positive_int, default=8, help="most fixes")
    group.add_argument("--json", action="store_true", help="print JSON")
    group.add_argument("--out", metavar="FILE", help="file for the unfitted result")
    repair.set_defaults(sampler="none", grid=None)


def _add_report(commands: argparse._SubParsersAction) -> None:
    report = commands.add_parser(
        "report",
        help="write an HTML page about a training, from its record or its curves",
        description="Write one self-contained HTML page about a training, or a model "
        "card in Markdown. It compares the network with baselines, and shows the "
        "findings of the diagnosis, the training curves, the errors and the "
        "configuration.",
    )
    report.add_argument("path", metavar="PATH", help=_READABLE)
    _add_reading_options(report)
    report.add_argument(
        "--out",
        metavar="FILE",
        help="file to write (default ./report.html, of a card ./model_card.md); one "
        "that ends with .md becomes a card",
    )
    report.add_argument(
        "--format",
        choices=("html", "card"),
        help="an HTML page or a model card in Markdown (default: by the file's name)",
    )


def _add_rules(commands: argparse._SubParsersAction) -> None:
    rules = commands.add_parser(
        "rules",
        help="list the rules of the diagnosis, or explain one rule",
        description="List the rules of the diagnosis by family, or explain one rule: "
        "what it reads, its effect, what to do, when it is a false alarm, and its "
        "thresholds.",
    )
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
            "written to results.csv, curves.png, report.html and model.safetensors (or "
            "model.joblib, without the packages of skloss[files]).",
            78,
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_options(search)
    add_model_options(search)
    add_run_options(search)


def _add_train(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on Parquet files that need not fit into memory",
        description="Train a dense network behind a scaler on a folder of Parquet "
        "files, which are read in blocks and never loaded as a whole. The model and "
        "the record of the training are written to the folder of --out.",
    )
    group = train.add_argument_group("data")
    group.add_argument("folder", metavar="FOLDER", help="folder or file of Parquet")
    group.add_argument(
        "--target", metavar="COLUMN", required=True, help="column of the labels"
    )
    group.add_argument(
        "--groups",
        metavar="COLUMN",
        help="column of groups, such as customers; a group is held out as a whole",
    )
    group.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="COLUMN",
        help="column to leave out; can be repeated",
    )
    group.add_argument(
        "--validation",
        dest="validation_fraction",
        type=fraction,
        default=0.1,
        metavar="SHARE",
        help="share of the rows that is held out (default %(default)s)",
    )
    group = train.add_argument_group("network")
    group.add_argument(
        "--scaler",
        choices=("standard", "minmax", "maxabs", "none"),
        default="standard",
        help="scaler in front of the network (default %(default)s)",
    )
    group.add_argument("--epochs", type=positive_int, default=10, metavar="N")
    group.add_argument("--batch-size", type=positive_int, default=256, metavar="N")
    group.add_argument(
        "--class-weight", choices=("balanced", "effective"), help="default: none"
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="other parameter of DenseClassifier, such as width=64; can be repeated",
    )
    group = train.add_argument_group("run")
    group.add_argument("--seed", type=whole_number, default=0, metavar="S")
    group.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="folder for the model and for record.json",
    )


def _add_predict(commands: argparse._SubParsersAction) -> None:
    predict = commands.add_parser(
        "predict",
        help="predict the rows of a file with the model of a search",
        description="Predict the class and the probabilities of each row, as CSV, in "
        "the order of the rows. Load only files of joblib that you trust: they can run "
        "code.",
    )
    predict.add_argument(
        "model",
        metavar="MODEL",
        help="model of a search: a file of skloss.save, skloss.to_onnx (.onnx), skops "
        "or joblib",
    )
    predict.add_argument(
        "file",
        metavar="FILE",
        help="rows in any form that skloss search reads; columns are found by name, "
        "and others are not used",
    )
    predict.add_argument(
        "--out", metavar="FILE", help="file to write (default: print the table)"
    )
    add_missing(predict)
