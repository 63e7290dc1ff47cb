"""The command line `chehang`; the module of a command is imported when the command is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from features.errors import ChehangError, ConfigError
from ml.home import home

# The server has its own parser: all options reach it, --help included.
FORWARDED = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@dataclass(frozen=True)
class Command:
    """A command of `chehang`; `COMMANDS` has all of them by name.

    Attributes
    ----------
    module : str
        Dotted path of a module that has, under its own name, the function which runs the command, or a `typer.Typer`
        with commands below this one, such as `chehang decisions verify`.
    help : str
        Text in `chehang --help`: the first sentence of the docstring of that function, or the help of that group.
    settings : mapping
        Context settings of Typer.
    """

    module: str
    help: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def load(self, name: str) -> TyperCommand | TyperGroup:
        """Import the module and return its Typer command with this name, or its group of commands.

        >>> from chehang.cli import COMMANDS
        >>> COMMANDS["tasks"].load("tasks").name
        'tasks'
        """
        entry = getattr(import_module(self.module), self.module.rpartition(".")[2])
        if isinstance(entry, typer.Typer):
            group = get_command(entry)
            assert isinstance(group, TyperGroup)
            return group
        return _command(entry, name, self.settings)


def _command(function: Callable[..., Any], name: str, settings: Mapping[str, Any]) -> TyperCommand:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name, context_settings=dict(settings))(function)
    command = get_command(app)
    assert isinstance(command, TyperCommand)
    return command


# Module and function have the name of the command, with _ for -.
_TRAINING = {
    "tasks": (
        "List the tasks with the question that each answers and the tables that it reads, and the models with a name."
    ),
    "sample-data": (
        "Generate a sample dealership: eleven consistent raw tables in tables/, and their ground truth in truth/."
    ),
    "check": (
        "Validate the tables of a task and list rows, features and columns that may leak the outcome, without training."
    ),
    "train": "Train, calibrate and evaluate a model, and register it as a new version.",
    "tune": "Search hyperparameters by cross-validation inside the training rows; a killed search resumes.",
    "evaluate": ("Evaluate a version on the test rows of the current data or on logged exposures, or cross-validate."),
    "compare": "List the metrics of every version of a task; an asterisk marks the champion.",
    "promote": (
        "Make a version the champion if it beats the champion on the same test rows and meets all metric limits."
    ),
    "monitor": (
        "Compare the last complete month with the training period of the champion, and outcomes with its predictions."
    ),
    "rollback": "Make the previous champion the champion again.",
    "history": "List every promotion and rollback of a task: when, who, why, and the primary metric.",
    "score": "Write the predictions of a version for every row, customer, series or cell to a file.",
    "value": "Predict each customer's purchases and workshop visits within the horizon, and their value in yuan.",
    "reactivation": (
        "List leads that nobody works on any more although they still have grade A, with what such leads did before."
    ),
    "forecast": "Forecast demand from the end of the current data, and plan transfers and orders (nightly run).",
    "alarms": (
        "Test every component of every model for an elevated fault rate, and rank the vehicles to inspect; run weekly."
    ),
    "alarm": "List the quality alarms, show the history of one, or move it on: open, acknowledged, campaign, closed.",
    "safety": (
        "List the reports of dangerous faults, show the history of one, or move some: new, acknowledged, reported, "
        "closed."
    ),
    "signals": (
        "Rank pairs by how far their counts exceed those under independence: EBGM, PRR and ROR, without exposure."
    ),
    "service-due": (
        "List the vehicles whose next routine service falls due, by date or distance, the likeliest to visit first."
    ),
}
COMMANDS: dict[str, Command] = {
    **{name: Command(f"training.commands.{name.replace('-', '_')}", text) for name, text in _TRAINING.items()},
    "serve": Command("serving.commands.serve", "Serve the champions over HTTP; Ctrl-C stops it.", FORWARDED),
    "keys": Command("serving.commands.keys", "Create, list, rotate and revoke the API keys of the service."),
    "decisions": Command(
        "serving.commands.decisions",
        "Verify, list, show and export the decision log; purge or rekey personal parts.",
    ),
    "feedback": Command("serving.commands.feedback", "Remove events of visitors from the feedback store."),
    "audit": Command(
        "serving.commands.audit",
        "Write the pack of an auditor: decisions, overrides, fairness, reads, purges, keys, models and a verified log.",
    ),
    "backup": Command(
        "serving.commands.backup",
        "Write the home folder and the configurations into one archive, while the service runs.",
    ),
    "restore": Command("serving.commands.restore", "Check an archive and make a new home folder of it."),
    "openapi": Command(
        "serving.commands.openapi", "Print the OpenAPI document for the current champions, without a server."
    ),
}


class Commands(TyperGroup):
    """The group of all commands: help texts come from `COMMANDS`, so that `--help` imports no command."""

    def __init__(self, entries: Mapping[str, Command], **settings: Any) -> None:
        super().__init__(commands={n: TyperCommand(n, help=e.help) for n, e in entries.items()}, **settings)
        self._entries = entries

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each command with its full help text. Called by Typer for `--help`; not for direct use."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._entries.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return name, imported command and further arguments. Called by Typer; not for direct use."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self._entries[name].load(name) if name else command, rest


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"chehang {version('chehang')}")
        except PackageNotFoundError:
            raise ConfigError("chehang has no version because it is not installed; run: pip install -e .") from None
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the installed version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options of `chehang` itself."""


APP = Commands(
    COMMANDS,
    params=_command(_options, "chehang", {}).params,
    name="chehang",
    help="Machine learning for car dealerships: train, compare, promote and serve. 车行机器学习套件。",
    rich_markup_mode=None,  # importing rich takes twice as long as everything else
    no_args_is_help=True,
)


def main() -> None:
    """Run the command line with the arguments in `sys.argv`, and end the process.

    The exit status is 0, 1 for an error that the user can resolve (printed as one line without a traceback), 2 for
    wrong arguments, 130 for Ctrl-C, or the status that a command returns, such as 3 of `decisions verify` and `audit`
    for a broken log. Other errors are raised.
    """
    try:
        os.environ["CHEHANG_HOME"] = str(home())  # absolute, so that configurations in other folders resolve it alike
        code = APP.main(standalone_mode=False)
    except ChehangError as e:
        print(f"error: {' '.join(str(e).split())}", file=sys.stderr)
        sys.exit(1)
    except typer.Exit as e:
        sys.exit(e.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except Exception as e:
        if hasattr(e, "show"):
            e.show()
            sys.exit(getattr(e, "exit_code", 2))
        raise
    sys.exit(code or 0)
