"""How the service runs: `configs/serving.yaml`, overruled by `CHEHANG_*` variables of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from features.errors import ConfigError
from ml.registry import TASKS

CONFIG = Path("configs/serving.yaml")
PREFIX = "CHEHANG_"


def _separated(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


class Settings(BaseModel):
    """Settings of the service.

    Attributes
    ----------
    host : str
        Address to bind, an IP address; 0.0.0.0 for all interfaces.
    port, workers : int
        TCP port, and processes that answer on it.
    tasks : tuple of str
        What is answered; the service is ready when each of them has a champion.
    timeout_seconds : float
        Longest that a request body may take to arrive, and that an answer with reasons may take.
    max_body_bytes, max_rows : int
        Largest request body; most items of one batch.
    threads : int
        Threads of each worker for batches and reasons.
    poll_seconds : float
        How often the champion is looked up.
    home : Path
        Folder of the product's own files.
    tracking_uri : str or None
        MLflow's store; None for the one in `home`.

    Examples
    --------
    >>> Settings(port=8080).store
    'sqlite:////...var/mlflow.db'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(3000, ge=1, le=65_535)
    workers: int = Field(1, ge=1, le=64)
    tasks: Annotated[tuple[str, ...], BeforeValidator(_separated)] = Field(tuple(TASKS), min_length=1)
    timeout_seconds: float = Field(5.0, gt=0, le=60)
    max_body_bytes: int = Field(1_048_576, ge=1_024, le=67_108_864)
    max_rows: int = Field(500, ge=1, le=10_000)
    threads: int = Field(2, ge=1, le=32)
    poll_seconds: float = Field(1.0, gt=0, le=60)
    home: Path = Path("var")
    tracking_uri: str | None = None

    @field_validator("host")
    @classmethod
    def _address(cls, host: str) -> str:
        try:
            return str(ip_address(host))
        except ValueError:
            raise ValueError("must be an IP address, such as 127.0.0.1 or 0.0.0.0") from None

    @field_validator("tasks")
    @classmethod
    def _known(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [t for t in tasks if t not in TASKS]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is no task; the tasks are {', '.join(TASKS)}")
        return tasks

    @property
    def store(self) -> str:
        """Address of MLflow's store."""
        return self.tracking_uri or f"sqlite:///{self.home.absolute() / 'mlflow.db'}"


def load_settings(environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """Read the settings: file, then environment, then what is given.

    The file is `configs/serving.yaml`, or the one `CHEHANG_SERVING_CONFIG` names. A field `port` is overruled by
    `CHEHANG_PORT`, and `tracking_uri` by `MLFLOW_TRACKING_URI`.

    Raises
    ------
    ConfigError
        Names the file or variable, the rule and the value received.

    Examples
    --------
    >>> load_settings({"CHEHANG_PORT": "8080"}, host="0.0.0.0").port
    8080
    >>> load_settings({"CHEHANG_PORT": "eighty"})
    Traceback (most recent call last):
    ...
    features.errors.ConfigError: CHEHANG_PORT: input should be a valid integer, ..., got 'eighty'
    """
    named = environ.get("CHEHANG_SERVING_CONFIG")
    path = Path(named) if named else CONFIG
    origin: dict[str, str] = {}
    values: dict[str, Any] = {}
    layers = (
        (_from_file(path, required=bool(named)), f"{path}: {{}}"),
        (_from_environment(environ), f"{PREFIX}{{}}"),
        ({k: v for k, v in given.items() if v is not None}, "--{}"),
    )
    for layer, label in layers:
        values |= layer
        origin |= {k: label.format(k.upper() if label.startswith(PREFIX) else k) for k in layer}
    if uri := environ.get("MLFLOW_TRACKING_URI"):
        values["tracking_uri"] = uri
    try:
        return Settings.model_validate(values)
    except ValidationError as e:
        raise ConfigError(_told(e, origin)) from None


def _from_file(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{path}: there is no such file; correct CHEHANG_SERVING_CONFIG") from None
        return {}
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror}; make it readable or set CHEHANG_SERVING_CONFIG") from None
    except (UnicodeDecodeError, yaml.YAMLError) as e:
        raise ConfigError(f"{path}: not YAML in UTF-8: {' '.join(str(e).split())}") from None
    if not isinstance(content, dict | None):
        raise ConfigError(f"{path}: must hold keys and values, found {type(content).__name__}")
    return content or {}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {name: f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    return {name: environ[variable] for name, variable in names.items() if environ.get(variable)}


def _told(error: ValidationError, origin: Mapping[str, str]) -> str:
    problem = error.errors(include_url=False)[0]
    name = str(problem["loc"][0])
    place = origin.get(name, name)
    if problem["type"] == "extra_forbidden":
        return f"{place}: this key is unknown; the keys are {', '.join(Settings.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message[0].lower() + message[1:]}, got {problem['input']!r}"
