"""What an operator may set: `configs/serving.yaml`, then environment variables, then options of the command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.errors import ConfigError

PREFIX = "CHEHANG_"


class Settings(BaseModel):
    """Settings of the service.

    Attributes
    ----------
    host, port : str, int
        Where it listens.
    workers : int
        Processes; each holds its own copy of the champions.
    poll_seconds : float
        How often the champion alias is looked at.
    timeout_seconds : int
        A request that takes longer is given up.
    max_body_bytes, max_batch_rows : int
        Larger requests are refused.
    configs : Path
        Folder of the rules that endpoints go by, such as `loan_products.yaml`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65_535)
    workers: int = Field(1, ge=1, le=64)
    poll_seconds: float = Field(1.0, gt=0, le=3600)
    timeout_seconds: int = Field(5, ge=1, le=600)
    max_body_bytes: int = Field(8_000_000, ge=1_000)
    max_batch_rows: int = Field(1_000, ge=1)
    configs: Path = Path("configs")


def load_settings(path: Path | None = None, *, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises
    ------
    ConfigError
        Names the key, the rule and the value.

    Examples
    --------
    >>> load_settings(environment={"CHEHANG_PORT": "9000"}).port
    9000
    """
    content = _read(path or Path("configs") / "serving.yaml", needed=path is not None)
    given = {n: value for n in Settings.model_fields if (value := environment.get(PREFIX + n.upper())) is not None}
    try:
        return Settings.model_validate({**content, **given})
    except ValidationError as e:
        problem = e.errors(include_url=False)[0]
        place = ".".join(str(p) for p in problem["loc"])
        received = problem.get("input")
        where = f"{PREFIX}{place.upper()}" if place in given else f"{path or 'configs/serving.yaml'}: {place}"
        raise ConfigError(f"{where}: {problem['msg']}, got {received!r}; correct or remove it") from None


def _read(path: Path, *, needed: bool) -> dict[str, Any]:
    if not needed and not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise ConfigError(f"{path}: cannot be read: {' '.join(str(e).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold keys and values, found {type(content).__name__}")
    return content
