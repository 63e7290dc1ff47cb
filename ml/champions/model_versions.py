"""Registered model versions: lists, the champion, gate results and files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import ModelNotFound
from ml.champions.gate_result import GateResult
from ml.champions.store import StoreError, current_location, embedded_database, local_path, store_client
from ml.entry import split_name
from ml.model import Model, read_card
from ml.registry import TASKS

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
GATE = "gate"
SHA256 = "sha256"


@dataclass(frozen=True)
class Version:
    """A registered model version, as returned by `champion`, `version`, `versions` and `version_or_champion`.

    Attributes
    ----------
    task : str
        Name of the task.
    number : int
        Version number in the registry, from 1.
    run_id : str
        MLflow run that trained the version.
    sha256 : str
        Checksum of the model's manifest; empty if another tool registered the version.
    metrics : mapping of str to float
        Figures of the report, such as `roc_auc` and `roc_auc.low`, in the units of the report.
    tags : mapping of str to str
        Tags of the run, without MLflow's own.
    created : datetime
        Time of registration, in UTC.
    gate : GateResult or None
        Result of the promotion gate; None if the gate has not evaluated the version.
    """

    task: str
    number: int
    run_id: str
    sha256: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    created: datetime
    gate: GateResult | None


def named_models() -> list[str]:
    """Return the names of all registered models that have a data set, such as `credit_risk.north`, sorted.

    Other registered models, such as those of other tools, are left out. One query: `serving` polls it.

    Raises
    ------
    StoreError
        The tracking store cannot be read.
    """
    names: list[str] = []
    with store_client("listing the models") as client:
        token = None
        while client is not None:
            page = client.search_registered_models("name LIKE '%.%'", max_results=1_000, page_token=token)
            names += [model.name for model in page if model.name in TASKS]
            if not (token := page.token):
                break
    return sorted(names)


def versions(task: str) -> list[Version]:
    """Return all versions of a task, such as "credit_risk", the oldest first; an empty list if there are none.

    Each `Version` has number, metrics and gate result. An unknown task has none.

    Raises
    ------
    StoreError
        The tracking store cannot be read.
    """
    with store_client("listing versions") as client:
        if client is None:
            return []
        rows = client.search_model_versions(f"name='{task}'", max_results=10_000)
        return sorted((read_version(client, row) for row in rows), key=lambda v: v.number)


def version(task: str, number: int | None = None) -> Version:
    """Return the version `number` of a task, or the latest version if `number` is None.

    Parameters
    ----------
    task : str
        Name of the task, such as "credit_risk".
    number : int, optional
        Number of the version, from 1.

    Returns
    -------
    Version
        Number, metrics, tags, time of registration and gate result; `load` returns its model.

    Raises
    ------
    ModelNotFound
        The task has no such version, or no version.
    StoreError
        The tracking store cannot be read.
    """
    with store_client("reading a version") as client:
        if client is not None and number is not None:
            row = _or_none(lambda: client.get_model_version(task, str(number)))
            if row is not None:
                return read_version(client, row)
    every = versions(task)
    if not every:
        raise ModelNotFound(f"{task} has no model version yet; {_training_command(task)}{_missing_home()}")
    if number is not None:
        raise ModelNotFound(f"{task} has no version {number}; it has {', '.join(str(v.number) for v in every)}")
    return every[-1]


def _training_command(name: str) -> str:
    """Return how to train a first version, and the names that exist, one of which may be meant."""
    command = f"make one with: chehang train {name}"
    base, data_set = split_name(name)
    if not data_set:
        return command
    others = [n for n in [base, *named_models()] if split_name(n).task == base and versions(n)]
    registered = f"; models of {base}: {', '.join(others)}" if others else ""
    return f"{command} -c FILE, where FILE has `name: {data_set}` (default: configs/{name}.yaml){registered}"


def _missing_home() -> str:
    """Return the other remedy if the embedded store does not exist: the home may have been moved or not be mounted."""
    database = embedded_database()
    if database is None or database.exists():
        return ""
    return f" (the folder {database.parent} has no models: if they are elsewhere, set CHEHANG_HOME to their folder)"


def champion(task: str) -> Version | None:
    """Return the champion of a task, such as "credit_risk".

    None if no version has been promoted, also for an unknown task or before the first training. Otherwise
    ``ml.champions.load(ml.champions.champion("credit_risk"))`` loads its model.

    Raises
    ------
    StoreError
        The tracking store cannot be read.
    """
    with store_client("reading the champion") as client:
        row = _champion_row(client, task)
        return None if client is None or row is None else read_version(client, row)


def champion_number(task: str) -> int | None:
    """Return the version number of a task's champion by a single query: `serving` polls it.

    Parameters
    ----------
    task : str
        Name of the task, such as "credit_risk".

    Returns
    -------
    int or None
        Number from 1; None if no version has been promoted, also for an unknown task or before the first training.

    Raises
    ------
    StoreError
        The tracking store cannot be read.
    """
    with store_client("reading the champion") as client:
        row = _champion_row(client, task)
        return None if row is None else int(row.version)


def _champion_row(client: MlflowClient | None, task: str) -> Any:
    """Return MLflow's `ModelVersion` of the champion, or None."""
    return None if client is None else _or_none(lambda: client.get_model_version_by_alias(task, CHAMPION))


def _or_none(call: Callable[[], Any]) -> Any:
    """Return the result of a call to MLflow, or None if the object does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        return call()
    except MlflowException as e:
        if e.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def version_or_champion(task: str, number: int | None = None) -> Version:
    """Return the version `number` of a task, or the champion if `number` is None.

    Parameters
    ----------
    task : str
        Name of the task, such as "credit_risk".
    number : int, optional
        Number of the version, from 1.

    Returns
    -------
    Version
        Number, metrics, tags, time of registration and gate result; `load` returns its model.

    Raises
    ------
    ModelNotFound
        The task has no such version, or no champion.
    StoreError
        The tracking store cannot be read.
    """
    chosen = champion(task) if number is None else version(task, number)
    if chosen is None:
        version(task)  # raises the error with the command that trains, if there is nothing to promote
        raise ModelNotFound(f"{task} has no champion; make one with: chehang promote {task}")
    return chosen


def load(version: Version) -> Model:
    """Read the files of a version, verify their checksums, and return the model.

    Parameters
    ----------
    version : Version
        As returned by `champion`, `version` or `version_or_champion` of `ml.champions`.

    Returns
    -------
    Model
        `estimator` (fitted, see `ml.problem.Estimator`), `task`, `card` and `version`; its `answers` answers requests.

    Raises
    ------
    StoreError
        The files cannot be read or downloaded.
    ModelNotFound
        The version has no registered checksum, a file is missing, or its checksum differs.
    """
    if not version.sha256:
        raise ModelNotFound(
            f"{version.task} version {version.number} has no registered checksum, because another tool registered it; "
            f"train a version with: chehang train {version.task}"
        )
    with tempfile.TemporaryDirectory() as folder:
        with store_client("fetching a model") as client:
            assert client is not None, "a version comes from a store"
            place = client.get_model_version_download_uri(version.task, str(version.number))
            fetched = _fetch(client, place, version, folder)
        model = Model.load(fetched / "data" / "model", sha256=version.sha256)
        return replace(model, version=version.number)


def card(version: Version) -> Mapping[str, Any]:
    """Return the model card of a version, without loading the model: plain content of JSON.

    Parameters
    ----------
    version : Version
        As returned by `champion`, `version` or `version_or_champion` of `ml.champions`.

    Raises
    ------
    StoreError
        The files cannot be read or downloaded.
    ModelNotFound
        A file is missing, or the checksum of the card differs.
    """
    with tempfile.TemporaryDirectory() as folder:
        with store_client("fetching a model card") as client:
            assert client is not None, "a version comes from a store"
            place = client.get_model_version_download_uri(version.task, str(version.number))
            fetched = _fetch(client, place, version, folder)
        return read_card(fetched / "data" / "model", sha256=version.sha256)


@contextmanager
def report_files(version: Version) -> Iterator[Path]:
    """Yield the folder with the report and the hold-out rows of a version, which may be read inside the block.

    Use it as ``with report_files(ml.champions.version("credit_risk", 3)) as folder: ...``. Inside the block,
    ``ml.report.report.Report.model_validate_json((folder / "report.json").read_text())`` reads the report;
    `report.html` and `report.png` show it.

    Parameters
    ----------
    version : Version
        As returned by `champion`, `version` or `version_or_champion` of `ml.champions`.

    Raises
    ------
    StoreError
        The files cannot be read or downloaded.
    """
    with tempfile.TemporaryDirectory() as folder:
        with store_client("fetching a report") as client:
            assert client is not None, "a version comes from a store"
            place = client.get_run(version.run_id).info.artifact_uri
            fetched = _fetch(client, f"{place}/report", version, folder)
        yield fetched


def report_folder(version: Version) -> Path | None:
    """Return the folder with `report.html`, `report.png` and `report.json` of a version; None if it is on a server.

    Parameters
    ----------
    version : Version
        As returned by `champion`, `version` or `version_or_champion` of `ml.champions`.

    Raises
    ------
    StoreError
        The tracking store cannot be read.
    """
    with store_client("reading a run") as client:
        assert client is not None, "a version comes from a store"
        place = client.get_run(version.run_id).info.artifact_uri
    return local_path(current_location(f"{place}/report", version.task))


def record_gate(version: Version, result: GateResult) -> None:
    """Store a gate result with its version, replacing an earlier one, in a single atomic write.

    Parameters
    ----------
    version : Version
        As returned by `champion`, `version` or `version_or_champion` of `ml.champions`.
    result : GateResult
        ``ml.champions.GateResult(champion, checks, evaluated_at, code_version)``: number, checks, UTC time, commit.

    Raises
    ------
    StoreError
        The tracking store cannot be written.
    """
    with store_client("storing the result of the gate") as client:
        assert client is not None, "a version comes from a store"
        client.set_model_version_tag(version.task, str(version.number), GATE, result.to_json())


def _fetch(client: MlflowClient, address: str, version: Version, folder: str) -> Path:
    """Return the folder of files that MLflow recorded: itself if it is on this machine, else a copy in `folder`."""
    place = current_location(address, version.task)
    local = local_path(place)
    if local is not None:
        if not local.is_dir():
            raise StoreError(
                f"{local}: no such folder, but it has files of {version.task} version {version.number}; if the models "
                "were copied or moved, bring the folder artifacts along, else restore it from a backup"
            )
        return local
    from mlflow.artifacts import download_artifacts

    # MLflow resolves models:/... in its global store instead of this client's, so the full address is passed.
    uri = client.tracking_uri
    return Path(download_artifacts(artifact_uri=place, dst_path=folder, tracking_uri=uri, registry_uri=uri))


def read_version(client: MlflowClient, row: Any) -> Version:
    """Return MLflow's `ModelVersion` as a `Version`, with metrics and tags of its run. Called by training.

    Parameters
    ----------
    client : MlflowClient
        As yielded by `ml.champions.store.store_client`.
    row : mlflow.entities.model_registry.ModelVersion
        As returned by ``client.create_model_version`` or ``client.get_model_version``.
    """
    run = _or_none(lambda: client.get_run(row.run_id)) if row.run_id else None  # another tool may set none
    return Version(
        task=row.name,
        number=int(row.version),
        run_id=row.run_id,
        sha256=row.tags.get(SHA256, ""),
        metrics=dict(run.data.metrics) if run else {},
        tags={k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")} if run else {},
        created=datetime.fromtimestamp(row.creation_timestamp / 1000, UTC),
        gate=GateResult.from_json(row.tags[GATE]) if GATE in row.tags else None,
    )
