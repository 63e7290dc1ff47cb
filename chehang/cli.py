"""The command line `chehang`: a command's module is imported when the command is called."""

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

FORWARDED = {"allow_extra_args": True, "ignore_unknown_options": True}


@dataclass(frozen=True)
class Command:
    """A command as `chehang --help` lists it.

    Attributes
    ----------
    module : str
        Module whose function of the same name runs the command.
    help : str
        First sentence of that function's docstring.
    settings : mapping
        Context settings of the parser.
    """

    module: str
    help: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def load(self, name: str) -> TyperCommand:
        """Import the command."""
        function = getattr(import_module(self.module), self.module.rpartition(".")[2])
        return _command(function, name, self.settings)


def _command(function: Callable[..., Any], name: str, settings: Mapping[str, Any]) -> TyperCommand:
    one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    one.command(name, context_settings=dict(settings))(function)
    command = get_command(one)
    assert isinstance(command, TyperCommand)
    return command


# The function of a command and its module have the command's name, with _ for -.
_TRAINING = {
    "tasks": "List the tasks, what each answers, and the tables it reads.",
    "sample-data": (
        "Make the sample dealership: eleven coherent raw tables, and apart from them the truth they were drawn from."
    ),
    "check": "Read a task's tables, check them against their contracts, and say what a training would see.",
    "train": "Train, calibrate and evaluate one version, and register it.",
    "tune": "Search parameters by cross-validation inside the training part; a killed search resumes.",
    "evaluate": (
        "Evaluate a version on the present test part or on logged exposures, or cross-validate the configuration."
    ),
    "compare": "Show the metrics of all versions side by side; the champion is marked.",
    "promote": "Make a version champion if it beats the present one on the same rows and keeps every guard.",
    "rollback": "Restore the champion before the present one.",
    "history": "Print every move of the champion: who, when, why, metrics.",
    "score": "Answer rows, customers, series or cells with a version: batch file in, file out.",
    "value": "Predict each customer's purchases and workshop visits within the horizon, and their value in yuan.",
    "forecast": "Forecast demand from the end of the data, and plan transfers and orders: the nightly run.",
    "alarms": "Say which component of which model fails more than it should, since when, and whom to call in: weekly.",
    "alarm": "List the alarms, show one with its history, or move it on: open, acknowledged, campaign, closed.",
    "signals": "Rank pairs by how far their counts exceed independence: EBGM, PRR and ROR for counts without exposure.",
    "service-due": "List the vehicles whose next service falls due, by date or by distance, with an interval.",
}
COMMANDS: dict[str, Command] = {
    **{name: Command(f"training.commands.{name.replace('-', '_')}", text) for name, text in _TRAINING.items()},
    "serve": Command("serving.commands.serve", "Serve the champions over HTTP; stops on Ctrl-C.", FORWARDED),
    "openapi": Command(
        "serving.commands.openapi", "Print the OpenAPI document of the present champions, without a server."
    ),
}


class Commands(TyperGroup):
    """The group: its help reads the literal above, and a command is imported when it is called."""

    def __init__(self, entries: Mapping[str, Command], **settings: Any) -> None:
        super().__init__(commands={n: TyperCommand(n, help=e.help) for n, e in entries.items()}, **settings)
        self._entries = entries

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each command with its whole first sentence."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._entries.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that the arguments name, and import it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self._entries[name].load(name) if name else command, rest


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"chehang {version('chehang')}")
        except PackageNotFoundError:
            raise ConfigError("chehang is not installed here, so it has no version; run: pip install -e .") from None
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
    rich_markup_mode=None,  # rich's help takes twice as long to import as all the rest
    no_args_is_help=True,
)


def main() -> None:
    """Run the command line; what a person must act on is one line, without a traceback."""
    try:
        os.environ["CHEHANG_HOME"] = str(home())  # absolute: configurations in other folders mean the same place
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
