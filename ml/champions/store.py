"""Where the model registry is, and a client of it: nothing global in MLflow is changed by reading or moving a champion.

The registry is the server that ``MLFLOW_TRACKING_URI`` names, else an SQLite file in the home folder. MLflow takes
seconds to import, therefore only `store_client` imports it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import ConfigError
from ml.home import home, locked

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow reads these when it is imported or called; what a person has chosen stands.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # MLflow's own seven take minutes to say "it is down"
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

CONNECT_SECONDS = 10  # a database that does not answer by then is down


class StoreError(ConfigError):
    """The model registry cannot be reached, read or written: another try may succeed."""


def store_uri() -> str:
    """Return the address of the registry: a server if one is named, else the embedded store.

    `mlflow run` names its own local default to the command it starts; that is not a server someone chose.
    """
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    started_by_mlflow = "MLFLOW_RUN_ID" in os.environ and address.startswith(("sqlite:", "file:", "/"))
    return address if address and not started_by_mlflow else f"sqlite:///{home() / 'mlflow.db'}"


def embedded_database() -> Path | None:
    """Return the file of the embedded store, which need not exist; None if the registry is a server."""
    path = home() / "mlflow.db"
    return path if store_uri() == f"sqlite:///{path}" else None


def import_mlflow() -> None:
    """Import MLflow now: a server does so before it waits for its first champions."""
    import mlflow  # noqa: F401


@contextmanager
def store_client(action: str, *, create: bool = False) -> Iterator[MlflowClient | None]:
    """Yield a client of the registry.

    Parameters
    ----------
    action : str
        Completes the sentence "the tracking store failed while ...".
    create : bool
        Make the embedded store if it does not exist.

    Yields
    ------
    MlflowClient or None
        None if the embedded store does not exist: nothing was ever registered.

    Raises
    ------
    StoreError
        MLflow, the database or the network fails inside the block; one line, without the password of the address.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    uri, database = store_uri(), embedded_database()
    try:
        if database is None:
            _reach(uri)
        elif create:
            _create(database)
        missing = database is not None and not database.exists()  # a client would create an empty one
        yield None if missing else MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as e:
        raise StoreError(
            f"the tracking store {_without_password(uri, uri)} failed while {action}: {_one_line(e, uri)}; "
            "check MLFLOW_TRACKING_URI, free space and rights, then run the command again"
        ) from None  # what MLflow raised may quote the password


def _create(path: Path) -> None:
    """Make the embedded store under another name, then rename it: a kill leaves all of it or nothing."""
    if path.exists():
        return
    with locked("store"):
        if path.exists():
            return
        part = path.with_name(".mlflow.db.part")
        part.unlink(missing_ok=True)
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        store = SqlAlchemyStore(f"sqlite:///{part}", str(home() / "artifacts"))
        store.engine.dispose()
        part.replace(path)


@cache
def _reach(uri: str) -> None:
    """Ask a database once: MLflow itself would knock at a dead one for two minutes."""
    if uri.startswith(("postgresql", "mysql", "mssql", "sqlite")):
        from sqlalchemy import NullPool, create_engine

        limit = {"connect_timeout": CONNECT_SECONDS} if uri.startswith(("postgresql", "mysql")) else {}
        create_engine(uri, poolclass=NullPool, connect_args=limit).connect().close()


def _without_password(text: str, uri: str) -> str:
    """Return a text without the user and password of the store's address, nor of any other address."""
    credentials = "" if uri.startswith("sqlite") else uri.partition("://")[2].rpartition("@")[0]
    whole = text.replace(f"{credentials}@", "") if credentials else text
    return re.sub(r"://[^/\s]*@", "://", whole)


def _one_line(error: Exception, uri: str) -> str:
    """Return the message of an error, without passwords."""
    return _without_password(" ".join(str(getattr(error, "orig", None) or error).split()), uri)[:300]


def artifacts_folder(task: str) -> Path:
    """Return the folder of the home in which the embedded store keeps a task's files."""
    return home() / "artifacts" / task


def current_location(address: str, task: str) -> str:
    """Return where files registered at `address` are now.

    MLflow records absolute paths. The files of an embedded store lie in its home, so the part below the task's folder
    is all that counts: a home that was moved, copied or mounted elsewhere reads its own files.

    Examples
    --------
    >>> current_location("s3://models/credit_risk/1", "credit_risk")
    's3://models/credit_risk/1'
    """
    _, marker, below = address.rpartition(f"/artifacts/{task}/")
    return str(artifacts_folder(task) / below) if marker and embedded_database() is not None else address
