"""`chehang restore`."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import make_url

from features.errors import ConfigError
from ml.terminal import AsJson, out, print_json, progress_printer
from serving.commands.backup import percentages
from serving.settings import STORES, load_settings


def restore(
    file: Annotated[Path, typer.Argument(help="Archive that chehang backup wrote.")],
    to: Annotated[Path, typer.Option("--to", help="New home folder; must not exist, or be empty.")],
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="Checksum that chehang backup printed: refuse another archive.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check an archive and make a new home folder of it."""
    from serving.backup.restoring import restore as run

    home = run(file, to, sha256=sha256, progress=percentages(progress_printer(as_json)))
    notes = [f"{path} is now {home.home / name}; configure it there" for name, path in home.moved.items()]
    notes += [f"not in the archive: {e['name']}; restore it from: {e['command']}" for e in home.external]
    notes += _stores_elsewhere(home.home)
    if as_json:
        return print_json({**asdict(home), "home": str(home.home), "notes": notes})
    out.print(f"{home.home}: {home.files:,} files as of {home.made_at}", soft_wrap=True)
    for note in notes:
        out.print(note, soft_wrap=True)
    folder = shlex.quote(str(home.home))
    expect = f" --expect {home.head}" if home.head else ""
    out.print(f"check it with: CHEHANG_HOME={folder} chehang decisions verify{expect}", soft_wrap=True)
    out.print(f"serve it with: cd {folder} && CHEHANG_HOME=. chehang serve", soft_wrap=True)


def _stores_elsewhere(home: Path) -> list[str]:
    """Return warnings of settings by which a service of the restored home would use stores outside it."""
    environment = {**os.environ, "CHEHANG_HOME": str(home)}
    notes = []
    try:
        settings = load_settings(environment=environment)
    except ConfigError as e:
        return [str(e)]
    for name in STORES:
        url = make_url(getattr(settings, name))
        own = f"sqlite:///{home / name.replace('_store', 's').replace('feedbacks', 'feedback')}.db"
        if os.environ.get(f"CHEHANG_{name.upper()}") and url.render_as_string() != own:
            notes.append(f"CHEHANG_{name.upper()} is set: a service here would use {url.render_as_string()}")
    if os.environ.get("MLFLOW_TRACKING_URI"):
        notes.append("MLFLOW_TRACKING_URI is set: a service here would use that registry in place of the restored one")
    return notes
