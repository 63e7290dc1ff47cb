"""`python -m serving`: run the service; SIGTERM or Ctrl-C stops it and its workers."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from pathlib import Path

from features.errors import ChehangError, ConfigError
from ml.home import home
from serving.decisions.opening import check_log_keys
from serving.doors.opening import DEVELOPMENT_KEY, development_key, is_loopback_host
from serving.doors.sessions import SECRET_VARIABLE
from serving.limits.tls import tls_options
from serving.metrics.memory import make_server_file
from serving.settings import PREFIX, STORES, Settings, environment_of, load_settings
from serving.shared_file import FILE_NAME, create_shared_file
from serving.supervision import check_address
from serving.watching.logs import announce

_HAS_PASSWORD = re.compile(r"[^/]+://[^/@]*:[^/]*@")


def main() -> None:
    """Read the settings from the command line and replace this process by the BentoML server; it never returns.

    `python -m serving` and `chehang serve` call it. Invalid settings end the process with status 1 and one line on
    stderr; an unknown option ends it with status 2.
    """
    try:
        os.environ["CHEHANG_HOME"] = str(home())  # absolute, so that rules in other folders resolve it alike
        settings = _settings()
        key = development_key(settings)
        tls = tls_options(settings)
        log_notice = check_log_keys(settings.host, is_loopback=is_loopback_host(settings.host))
        check_address(settings.host, settings.port)  # before anything of a running server is touched
        folder = _own_folder(settings)
        create_shared_file(folder / FILE_NAME)
        os.environ["CHEHANG_METRICS"] = str(make_server_file(folder, workers=settings.workers))
    except ChehangError as e:
        sys.exit(f"error: {e}")
    os.environ.update(environment_of(settings) | {"BENTOML_HOME": str(folder)})
    os.environ.setdefault("BENTOML_DO_NOT_TRACK", "true")
    os.environ.setdefault(SECRET_VARIABLE, secrets.token_hex(32))  # one for all workers
    # Whose X-Forwarded-For uvicorn believes; by default that of every local client, who would escape the limit of
    # failed attempts with an invented address in each.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    _print_start(settings, key, log_notice)
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:Chehang"]
    os.execv(sys.executable, [*command, "--host", settings.host, "--port", str(settings.port), *tls])


def _print_start(settings: Settings, key: str | None, log_notice: str | None) -> None:
    """Print the address, and how to call it: a new development key is shown only here."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"{'http' if settings.tls_certificate is None else 'https'}://{host}:{settings.port}"
    lines = [f"starting the service on {url}; the desk is at {url}/desk"]
    if not settings.doors:
        lines.append("doors: false, every program on this machine may call the service")
    elif key is not None:
        shown = f"${DEVELOPMENT_KEY}" if os.environ.get(DEVELOPMENT_KEY) else key
        if not os.environ.get(DEVELOPMENT_KEY):
            lines.append(f"development key, for this server and loopback addresses only: {key}")
        lines.append(f'curl {url}/v1/loans/schedule/example -H "authorization: Bearer {shown}"')
        os.environ[DEVELOPMENT_KEY] = key
    if settings.tls_certificate is None and not is_loopback_host(settings.host):
        lines.append(
            "no tls_certificate: keys, inputs and answers travel unencrypted; set tls_certificate and tls_key, or let "
            "only a proxy with TLS reach this address"
        )
    if log_notice is not None:
        lines.append(log_notice)
    for line in lines:
        announce(line, settings.log_format)


def _settings() -> Settings:
    """Return the settings: command-line options override environment variables and the settings file."""
    parser = argparse.ArgumentParser(prog="chehang serve", description="Serve the promoted models over HTTP.")
    parser.add_argument("--config", type=Path, default=None, help="settings file; default configs/serving.yaml")
    for name, default in Settings().model_dump().items():
        parser.add_argument(f"--{name.replace('_', '-')}", default=None, help=f"default {default}".replace("%", "%%"))
    options = parser.parse_args()
    for name in Settings.model_fields:
        if (value := getattr(options, name)) is not None:
            if name in STORES and _HAS_PASSWORD.match(value):
                raise ConfigError(
                    f"--{name.replace('_', '-')}: a password on the command line is visible to all users of this "
                    f"machine; set {PREFIX}{name.upper()} in the environment"
                )
            os.environ[PREFIX + name.upper()] = value
    return load_settings(options.config)


def _own_folder(settings: Settings) -> Path:
    """Make and return BentoML's folder, which also holds the workers' metrics.

    It is named after the address, so that two servers never share a folder.
    """
    folder = home() / "serving" / f"{settings.host.replace(':', '_')}-{settings.port}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ConfigError(f"{folder}: {e.strerror}; make it writable, or set CHEHANG_HOME to another folder") from None
    return folder


if __name__ == "__main__":
    main()
