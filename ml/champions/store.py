"""Address and client of the tracking store, which holds the model registry.

The store is the server that ``MLFLOW_TRACKING_URI`` names, or an SQLite file in the home folder (the embedded store).
MLflow takes seconds to import, so only the functions that use it import it.
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

# MLflow reads these when it is imported or called; values that the environment sets are kept.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # MLflow's default, 7, waits minutes
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

CONNECT_SECONDS = 10  # a database that does not answer within this time is treated as down


class StoreError(ConfigError):
    """The tracking store cannot be reached, read or written; a later attempt may succeed."""


def store_uri() -> str:
    """Return the address of the tracking store: ``MLFLOW_TRACKING_URI``, or the embedded store.

    `mlflow run` sets ``MLFLOW_TRACKING_URI`` to its own local default for the command that it starts; that is ignored.
    The address is one for MLflow, such as ``http://mlflow:5000`` or ``sqlite:////data/var/mlflow.db``.

    Examples
    --------
    >>> import os
    >>> from unittest.mock import patch
    >>> with patch.dict(os.environ, MLFLOW_TRACKING_URI="http://mlflow:5000"):
    ...     store_uri(), embedded_database()
    ('http://mlflow:5000', None)
    """
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    started_by_mlflow = "MLFLOW_RUN_ID" in os.environ and address.startswith(("sqlite:", "file:", "/"))
    return address if address and not started_by_mlflow else f"sqlite:///{home() / 'mlflow.db'}"


def embedded_database() -> Path | None:
    """Return the path of the embedded store's SQLite file, which need not exist; None if a server is used.

    The file is `mlflow.db` in the folder that `ml.home.home` returns.
    """
    path = home() / "mlflow.db"
    return path if store_uri() == f"sqlite:///{path}" else None


def import_mlflow() -> None:
    """Import MLflow and return None: the service does so at start-up, so that no request waits for the import."""
    import mlflow  # noqa: F401


@contextmanager
def store_client(action: str, *, create: bool = False) -> Iterator[MlflowClient | None]:
    """Yield a client of the tracking store.

    Use it as ``with store_client("listing versions") as client: ...``. Called by `ml.champions` and by training, which
    have functions for all common purposes.

    Parameters
    ----------
    action : str
        End of the error message "the tracking store failed while ...", such as "listing versions".
    create : bool
        Whether to create the embedded store if it does not exist.

    Yields
    ------
    MlflowClient or None
        None if the embedded store does not exist, so nothing is registered.

    Raises
    ------
    StoreError
        MLflow, the database or the network failed inside the block. The message is one line without passwords.
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
        missing = database is not None and not database.exists()  # a client would create an empty database
        yield None if missing else MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as e:
        raise StoreError(
            f"the tracking store {_without_password(uri, uri)} failed while {action}: {_one_line(e, uri)}; "
            "check MLFLOW_TRACKING_URI, disk space and permissions, then run the command again"
        ) from None  # MLflow's error may quote the password


def _create(path: Path) -> None:
    """Create the embedded store under a temporary name, then rename it: a kill leaves no partial store."""
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
    """Connect to a database once, with a time limit: MLflow retries for two minutes if it is down."""
    if uri.startswith(("postgresql", "mysql", "mssql", "sqlite")):
        from sqlalchemy import NullPool, create_engine

        limit = {"connect_timeout": CONNECT_SECONDS} if uri.startswith(("postgresql", "mysql")) else {}
        create_engine(uri, poolclass=NullPool, connect_args=limit).connect().close()


def _without_password(text: str, uri: str) -> str:
    """Return the text without user and password of this or any other address."""
    credentials = "" if uri.startswith("sqlite") else uri.partition("://")[2].rpartition("@")[0]
    whole = text.replace(f"{credentials}@", "") if credentials else text
    return re.sub(r"://[^/\s]*@", "://", whole)


def _one_line(error: Exception, uri: str) -> str:
    """Return the message of an error, without passwords."""
    return _without_password(" ".join(str(getattr(error, "orig", None) or error).split()), uri)[:300]


def artifacts_folder(task: str) -> Path:
    """Return the folder in the home folder where the embedded store keeps the files of a task; it need not exist.

    Examples
    --------
    >>> artifacts_folder("credit_risk").parts[-2:]
    ('artifacts', 'credit_risk')
    """
    return home() / "artifacts" / task


def has_named_folders() -> bool:
    """Return whether the home folder has the files of a model with a data set, such as `credit_risk.north`.

    False if a tracking server is used. No database is read.
    """
    return embedded_database() is not None and any((home() / "artifacts").glob("*.*/"))


def current_location(address: str, task: str) -> str:
    """Return the present address of files that were registered at `address`.

    MLflow records absolute paths. The files of an embedded store are in the home folder, so only the part below the
    task's folder is used: a home folder that was moved, copied or mounted elsewhere reads its own files. With a
    database elsewhere, which homes of several machines may share, a path that no longer exists is looked up in the
    present home folder as well.

    Parameters
    ----------
    address : str
        Address or path that MLflow recorded, such as ``/old/artifacts/credit_risk/7``.
    task : str
        Name of the task, such as "credit_risk".

    Returns
    -------
    str
        Path in the present home folder, or `address` itself if it is not below ``/artifacts/<task>/``, or a server or
        database elsewhere is used and the present home folder has no such files.

    Examples
    --------
    >>> current_location("s3://models/credit_risk/1", "credit_risk")
    's3://models/credit_risk/1'
    """
    _, marker, below = address.rpartition(f"/artifacts/{task}/")
    if not marker:
        return address
    own = artifacts_folder(task) / below
    if embedded_database() is not None:
        return str(own)
    recorded = local_path(address)
    return str(own) if recorded is not None and own.exists() and not recorded.exists() else address


def local_path(address: str) -> Path | None:
    """Return the path of a folder of this machine that MLflow recorded; None for an address such as ``s3://models``.

    Examples
    --------
    >>> [str(local_path(a)) for a in ("file:///data/credit_risk", "/data/credit_risk", "mlflow-artifacts:/1/abc")]
    ['/data/credit_risk', '/data/credit_risk', 'None']
    """
    path = address.removeprefix("file://")
    return Path(path) if path.startswith("/") else None
