"""What all commands share: consoles, the option `--json`, progress, JSON output, and the person who runs them."""

from __future__ import annotations

import getpass
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

# Texts come from tables, configurations and people: `[x]` in them is no markup, `:100:` no emoji.
out = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 140)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def progress_printer(quiet: bool) -> Callable[[str], None]:
    """Return a function that prints a line of progress on standard error.

    Parameters
    ----------
    quiet : bool
        Return a function that prints nothing; commands set it with the option `--json`.

    Returns
    -------
    callable
        Takes one line of text, returns None; a `Progress` of the functions of this package.

    Examples
    --------
    >>> progress = progress_printer(quiet=True)
    >>> progress("reading applications")
    """
    return (lambda text: None) if quiet else (lambda text: err.print(Text(f"· {text}", "dim"), soft_wrap=True))


def print_json(content: Any) -> None:
    """Print one JSON document on standard output; NaN and infinity, which JSON lacks, become null.

    Parameters
    ----------
    content : mapping, list or scalar
        Values that JSON lacks, such as dates, are printed as `str` gives them.

    Examples
    --------
    >>> print_json({"error": float("nan"), "models": [1.5]})
    {
     "error": null,
     "models": [
      1.5
     ]
    }
    """
    sys.stdout.write(json.dumps(_finite(content), ensure_ascii=False, indent=1, default=str, allow_nan=False) + "\n")


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {name: _finite(value) for name, value in content.items()}
    return [_finite(value) for value in content] if isinstance(content, list | tuple) else content


def user() -> str:
    """Return the name of the person who runs the command: the environment variable `CHEHANG_USER`, or the login name.

    Returns
    -------
    str

    Examples
    --------
    >>> import os
    >>> import unittest.mock
    >>> with unittest.mock.patch.dict(os.environ, {"CHEHANG_USER": "li.wei"}):
    ...     user()
    'li.wei'
    """
    return os.environ.get("CHEHANG_USER") or getpass.getuser()


def command_group(help: str, commands: Mapping[str, Callable[..., None]]) -> typer.Typer:
    """Return commands below one name, such as `verify` and `show` below `chehang decisions`.

    Parameters
    ----------
    help : str
        Text at the start of ``chehang NAME --help``, and after the name in ``chehang --help``.
    commands : mapping of str to callable
        Name of a command to its function, whose parameters are its options, as of `typer.Typer.command`.

    Returns
    -------
    typer.Typer
        A module of commands has it under its own name; `chehang.cli.COMMANDS` has the path of that module.

    Examples
    --------
    >>> from typer.main import get_command
    >>> def count(number: int) -> None:
    ...     '''Print the numbers below another one.'''
    >>> group = command_group("Work with numbers.", {"count": count})
    >>> list(get_command(group).commands)
    ['count']
    """
    group = typer.Typer(
        help=help, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, no_args_is_help=True
    )
    group.callback()(_no_options)  # with a callback, even a group of one command is a group
    for name, function in commands.items():
        group.command(name)(function)
    return group


def _no_options() -> None:
    """Options of a group itself: it has none."""
