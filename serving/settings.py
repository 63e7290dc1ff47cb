"""Settings of the service, from `configs/serving.yaml`, environment variables and command-line options."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from features.yaml_config import Layer, Section, merge, read_layer, validate
from ml.home import config_folder, home

PREFIX = "CHEHANG_"
STORES = ("key_store", "decision_store", "feedback_store")  # their URLs may contain a password
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")


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
    max_body_bytes, max_bulk_bytes : int
        Larger requests are answered with status 413; the second holds for batches, the call queue, orders, events and
        stock.
    max_header_bytes : int
        Requests with more bytes of headers are answered with status 431.
    max_batch_rows : int
        Largest number of items in one batch request.
    first_byte_seconds, idle_seconds : float
        A connection is closed if the first request has not begun, or no further one has come, within this time.
    max_computations, max_queue : int
        Requests that one worker computes at the same time, and requests that wait for that; others are answered with
        status 503.
    configs : Path
        Folder of the endpoints' rules, such as `loans/products.yaml`.
    doors : bool
        Whether requests need a key; false is allowed on a loopback address only.
    key_store, decision_store, feedback_store : str
        SQLAlchemy URLs of the API keys, the decision log and the feedback; by default SQLite files in `CHEHANG_HOME`.
    key_rate, key_burst : float, int
        Requests per second that a key without limits of its own may send for a long time, and at once after a pause.
    key_grace_seconds : float
        Time for which the keys that were read last remain valid while the key store cannot be read.
    jwt_issuer, jwt_audience : str or None
        Issuer (URL) and audience of JSON Web Tokens that are accepted in place of a key; both or neither.
    jwt_role_claim, jwt_stores_claim : str or None
        Claims with the role and the stores of the caller, with dots into objects, such as `realm_access.roles`. Without
        a claim of stores, tokens hold for all stores.
    cors_origins : tuple of str
        Origins whose pages may call the service from a browser, such as `https://shop.example`.
    tls_certificate, tls_key : Path or None
        PEM files of the certificate chain and its key; both or neither.
    log_format : str
        `text` or `json`.
    log_requests : float
        Share of the requests that have a log line, 0 to 1.
    otlp_endpoint : str or None
        URL to which traces are sent by OTLP over HTTP; None for no traces.
    trace_share : float
        Share of the requests that are traced, 0 to 1; a request with `traceparent` says itself whether it is.
    desk_now : str or None
        Instant with UTC offset at which the clock of the desk stands, such as `2026-03-01T10:30:00+08:00`; None: real
        time, or the last morning of data that are older than three days.
    desk_idle_minutes : int
        Minutes after which a session of the desk ends if nobody has used it.
    """

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65_535)
    workers: int = Field(1, ge=1, le=64)
    poll_seconds: float = Field(1.0, gt=0, le=3600)
    timeout_seconds: int = Field(5, ge=1, le=600)
    max_body_bytes: int = Field(1_000_000, ge=1_000)
    max_bulk_bytes: int = Field(8_000_000, ge=1_000)
    max_header_bytes: int = Field(32_768, ge=1_024, le=1_048_576)
    max_batch_rows: int = Field(1_000, ge=1)
    first_byte_seconds: float = Field(10, gt=0, le=600)
    idle_seconds: float = Field(75, gt=0, le=3600)  # longer than the 60 s after which usual proxies close a connection
    max_computations: int = Field(4, ge=1, le=64)
    max_queue: int = Field(64, ge=0, le=10_000)
    configs: Path = Field(default_factory=config_folder)
    doors: bool = True
    key_store: str = Field(default_factory=lambda: _embedded("keys"))
    decision_store: str = Field(default_factory=lambda: _embedded("decisions"))
    feedback_store: str = Field(default_factory=lambda: _embedded("feedback"))
    key_rate: float = Field(100.0, gt=0, le=1_000_000)
    key_burst: int = Field(200, ge=1, le=1_000_000)
    key_grace_seconds: float = Field(900, ge=0, le=86_400)
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_role_claim: str = "role"
    jwt_stores_claim: str | None = None
    cors_origins: tuple[str, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    log_format: Literal["text", "json"] = "text"
    log_requests: float = Field(0, ge=0, le=1)
    otlp_endpoint: str | None = None
    trace_share: float = Field(0.01, ge=0, le=1)
    desk_now: str | None = None
    desk_idle_minutes: int = Field(20, ge=1, le=720)

    @field_validator(
        "jwt_issuer", "jwt_audience", "jwt_stores_claim", "tls_certificate", "tls_key", "otlp_endpoint", "desk_now",
        mode="before",
    )  # fmt: skip
    @classmethod
    def _none_if_empty(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("desk_now")
    @classmethod
    def _check_instant(cls, value: str | None) -> str | None:
        if value is not None and datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("must be an instant with UTC offset, such as 2026-03-01T10:30:00+08:00")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError("an origin is a scheme, a host and perhaps a port, such as https://shop.example:8443")
        return origins


def _embedded(name: str) -> str:
    return f"sqlite:///{home() / name}.db"


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment variables from which `load_settings` reads the same settings.

    >>> from serving.settings import environment_of, load_settings
    >>> settings = load_settings(environment={"CHEHANG_CORS_ORIGINS": "https://a.example, https://b.example"})
    >>> environment_of(settings)["CHEHANG_CORS_ORIGINS"], environment_of(settings)["CHEHANG_TLS_KEY"]
    ('https://a.example,https://b.example', '')
    """
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    texts = {n: ",".join(v) if isinstance(v, tuple) else "" if v is None else str(v) for n, v in values.items()}
    return {PREFIX + name.upper(): text for name, text in texts.items()}


def load_settings(path: Path | None = None, *, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from a YAML file and from environment variables, which take precedence.

    Parameters
    ----------
    path : Path, optional
        Path of the YAML file; by default `serving.yaml` in the configuration folder, if it exists.
    environment : mapping
        Environment variables: `CHEHANG_PORT` sets `port`, and so on. The values are texts; an empty one
        means none.

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
    layers += [
        Layer(PREFIX + n.upper(), {n: "(hidden)" if n in STORES else v}, {n: v})
        for n, v in values.items()
        if v is not None
    ]
    return validate(merge(*(layer.content for layer in layers)), Settings, layers)
