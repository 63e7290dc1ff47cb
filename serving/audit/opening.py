"""Open the decision log for a command that reads it."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from features.errors import ConfigError
from serving.settings import load_settings
from serving.stores import open_store

BROKEN = 3  # exit status of a command that has found a fault in the log


def open_log(config: Path | None) -> sa.Engine:
    """Return the decision store of the settings, which must exist: a reading command does not make an empty log.

    Parameters
    ----------
    config : Path or None
        File of the settings; None for `configs/serving.yaml`.

    Raises
    ------
    ConfigError
        The settings are invalid, or there is no log yet.
    StoreUnavailable
        The store cannot be opened.
    """
    url = load_settings(config).decision_store
    if url.startswith("sqlite"):
        path = Path(str(make_url(url).database))
        if not path.exists():
            text = "the service makes it at its first start; is CHEHANG_HOME or decision_store another one?"
            raise ConfigError(f"{path}: there is no decision log; {text}")
    return open_store(url, "decisions")
