"""TLS by settings: files that are not usable are named, and a server with a certificate answers over TLS alone."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from features.errors import ConfigError
from serving.limits.tls import tls_options
from serving.settings import Settings
from tests.conftest import ROOT
from tests.serving.running import free_port, until


def _write_certificate(folder: Path, name: str, *, password: bytes | None = None) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 that is signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return files


def test_the_options_name_the_files(tmp_path: Path) -> None:
    certificate, key = _write_certificate(tmp_path, "own")
    options = tls_options(Settings(tls_certificate=certificate, tls_key=key))
    assert options == ["--ssl-certfile", str(certificate), "--ssl-keyfile", str(key)]


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    certificate, key = _write_certificate(tmp_path, "own")
    _, other = _write_certificate(tmp_path, "other")
    _, secret = _write_certificate(tmp_path, "secret", password=b"word")
    for files, message in (
        ((certificate, None), "tls_key is required with tls_certificate"),
        ((None, key), "tls_certificate is required with tls_key"),
        ((certificate, tmp_path / "none"), r"tls_key: .*/none: no such file"),
        ((key, key), r"tls_certificate .*own.key with tls_key .*: "),
        ((certificate, other), r"other.key: key values mismatch; both must be PEM"),
        ((certificate, secret), r"secret.key: .*without a password"),
    ):
        with pytest.raises(ConfigError, match=message):
            tls_options(Settings(tls_certificate=files[0], tls_key=files[1]))


@pytest.mark.slow
def test_a_server_with_a_certificate_answers_over_tls_alone(tmp_path: Path) -> None:
    certificate, key = _write_certificate(tmp_path, "own")
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CHEHANG_", "MLFLOW_", "PROMETHEUS_"))}
    environment |= {"CHEHANG_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), "CHEHANG_FIRST_BYTE_SECONDS": "2"}
    options = ["--port", str(port), "--tls-certificate", str(certificate), "--tls-key", str(key)]
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "serving", *options]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    trusted = ssl.create_default_context(cafile=certificate)
    url = f"https://127.0.0.1:{port}/healthz"
    try:
        with httpx.Client(verify=trusted) as client:
            until(lambda: _status(client, url) == 200, seconds=90)
            with pytest.raises(httpx.TransportError):
                client.get(url.replace("https", "http"))
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)  # the certificate is not trusted
        with socket.create_connection(("127.0.0.1", port)) as silent:
            silent.settimeout(10)
            assert silent.recv(1) == b"", "a client that does not shake hands is disconnected"
        old = ssl.create_default_context(cafile=certificate)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises((ssl.SSLError, OSError)):
            old.wrap_socket(plain, server_hostname="127.0.0.1")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def _status(client: httpx.Client, url: str) -> int | None:
    try:
        return client.get(url).status_code
    except httpx.TransportError:
        return None
