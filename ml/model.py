"""Trained models on disk: native files and a manifest of checksums, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel

from features.errors import ModelNotFound
from ml.problem import Estimator
from ml.registry import TASKS
from ml.task import Task

MANIFEST = "manifest.json"
CARD = "card.json"


@dataclass(frozen=True)
class Model:
    """A fitted estimator with its task and its card.

    ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))`` loads the champion of a task from the model
    registry; `Model.load` reads a folder.

    Attributes
    ----------
    task : Task
        Task of the model.
    estimator : Estimator
        Fitted estimator of the task.
    card : mapping
        Model card, plain content of JSON: data fingerprint, configuration, metrics, environment and, under `example`,
        the JSON content of a valid request.
    version : int or None
        Number in the model registry; None for a model that is not registered.
    """

    task: Task
    estimator: Estimator
    card: Mapping[str, Any]
    version: int | None = None

    def save(self, folder: Path) -> str:
        """Write the model into a new folder, atomically, and return the SHA-256 of its manifest (hexadecimal).

        The folder has the files of ``estimator.to_files()``, `card.json` and `manifest.json`; missing parent folders
        are created.

        Raises
        ------
        FileExistsError
            The folder exists.
        """
        if folder.exists():
            raise FileExistsError(f"{folder}: already exists, and a model is never overwritten; name a new folder")
        part = folder.with_name(f".{folder.name}.{os.getpid()}")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            files = {**self.estimator.to_files(), CARD: _json(self.card)}
            for name, content in files.items():
                (part / name).write_bytes(content)
            checksums = {name: _sha256(content) for name, content in sorted(files.items())}
            manifest = _json({"task": self.task.name, "files": checksums})
            (part / MANIFEST).write_bytes(manifest)
            part.replace(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return _sha256(manifest)

    def request(self) -> type[BaseModel]:
        """Return the pydantic model of one request to this version, with its types, ranges and units (money in yuan).

        ``model.request().model_validate_json(json.dumps(model.card["example"]))`` is a valid request; invalid content
        raises `pydantic.ValidationError`.
        """
        request: type[BaseModel] = self.task.endpoint.request({self.task.base_name: self})
        return request

    def answers(self, requests: Sequence[BaseModel], *, explain: bool) -> Sequence[Any]:
        """Answer requests as the service does.

        For example ``model.answers([model.request().model_validate_json(text)], explain=True)``, where `text` is the
        JSON of a request such as ``json.dumps(model.card["example"])``.

        Parameters
        ----------
        requests : sequence
            Instances of ``self.request()``.
        explain : bool
            Whether answers have reasons, in tasks that give reasons.

        Returns
        -------
        sequence
            Instances of ``self.task.endpoint.response``, a pydantic model whose fields have descriptions and units,
            such as `ml.lead_scoring.answer.LeadScoringAnswer`; in the order of the requests.

        Raises
        ------
        DataError
            The model cannot answer a request; the message names the field.
        """
        answers: Sequence[Any] = self.task.endpoint.respond(None, {self.task.base_name: self}, requests, explain)
        return answers

    @classmethod
    def load(cls, folder: Path, *, sha256: str | None = None) -> Self:
        """Read a model and check every file against the manifest.

        Parameters
        ----------
        folder : Path
            Folder that `save` wrote.
        sha256 : str, optional
            Checksum of the manifest, as `save` returned it; the manifest is not checked without it.

        Returns
        -------
        Model
            Ready to predict; `version` is None.

        Raises
        ------
        ModelNotFound
            The folder or a file is missing, or its checksum differs.
        DataError
            A file has wrong content.
        """
        manifest = _read(folder, MANIFEST)
        if sha256 is not None and _sha256(manifest) != sha256:
            raise ModelNotFound(_differs(folder / MANIFEST, sha256, _sha256(manifest)))
        content = json.loads(manifest)
        files = {name: _read(folder, name) for name in content["files"]}
        for name, expected in content["files"].items():
            if _sha256(files[name]) != expected:
                raise ModelNotFound(_differs(folder / name, expected, _sha256(files[name])))
        card = json.loads(files.pop(CARD))
        task = TASKS[content["task"]]
        return cls(task=task, estimator=task.estimator.from_files(files), card=card)


def read_card(folder: Path, *, sha256: str) -> dict[str, Any]:
    """Return the card in a folder that `Model.save` wrote, without reading the other files.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    sha256 : str
        Checksum of the manifest, as `Model.save` returned it.

    Raises
    ------
    ModelNotFound
        A file is missing, or its checksum differs.
    """
    manifest, content = _read(folder, MANIFEST), _read(folder, CARD)
    if _sha256(manifest) != sha256:
        raise ModelNotFound(_differs(folder / MANIFEST, sha256, _sha256(manifest)))
    expected = json.loads(manifest)["files"][CARD]
    if _sha256(content) != expected:
        raise ModelNotFound(_differs(folder / CARD, expected, _sha256(content)))
    return dict(json.loads(content))


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as e:
        raise ModelNotFound(
            f"{folder / name}: {e.strerror}; the model is incomplete: copy or restore its files, or train again"
        ) from None


def _differs(path: Path, expected: str, actual: str) -> str:
    return (
        f"{path}: checksum {actual[:12]} differs from the registered {expected[:12]}; "
        "the file was changed after training: do not use it; restore it, roll back or train again"
    )
