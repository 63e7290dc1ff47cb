"""Settings of the service, from `configs/serving.yaml`, environment variables and command-line options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from features.yaml_config import Layer, Section, merge, read_layer, validate
from ml.home import config_folder

PREFIX = "CHEHANG_"


class Settings(Section):
    """Settings of the service, as returned by `load_settings`.

    Attributes
    ----------
    host, port : str, int
        Address to listen on.
    workers : int
        Number of processes; each loads its own copy of the champions.
    poll_seconds : float
        Seconds between checks for a new champion.
    timeout_seconds : int
        Longer requests are answered with status 504.
    max_body_bytes : int
        Larger requests are answered with status 413.
    max_batch_rows : int
        Largest number of items in one batch request.
    configs : Path
        Folder of the endpoints' rules, such as `loans/products.yaml`.
    """

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65_535)
    workers: int = Field(1, ge=1, le=64)
    poll_seconds: float = Field(1.0, gt=0, le=3600)
    timeout_seconds: int = Field(5, ge=1, le=600)
    max_body_bytes: int = Field(8_000_000, ge=1_000)
    max_batch_rows: int = Field(1_000, ge=1)
    configs: Path = Field(default_factory=config_folder)


def load_settings(path: Path | None = None, *, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from a YAML file and from environment variables, which take precedence.

    Parameters
    ----------
    path : Path, optional
        Path of the YAML file; by default `serving.yaml` in the configuration folder, if it exists.
    environment : mapping
        Environment variables: `CHEHANG_PORT` sets `port`, and so on. The values are texts.

    Returns
    -------
    Settings
        Fields that neither sets have their defaults.

    Raises
    ------
    ConfigError
        `path` does not exist or cannot be read, a key is unknown, or a value is invalid.

    Examples
    --------
    >>> from serving.settings import load_settings
    >>> load_settings(environment={"CHEHANG_PORT": "9000"}).port
    9000
    """
    file = path or config_folder() / "serving.yaml"
    layers = [read_layer(file)] if path is not None or file.exists() else []
    values = {name: environment.get(PREFIX + name.upper()) for name in Settings.model_fields}
    layers += [Layer(PREFIX + n.upper(), {n: v}, {n: v}) for n, v in values.items() if v is not None]
    return validate(merge(*(layer.content for layer in layers)), Settings, layers)
