"""TLS of the server: the options of BentoML, after a check of certificate and key."""

from __future__ import annotations

import ssl

from features.errors import ConfigError
from serving.settings import Settings


def tls_options(settings: Settings) -> list[str]:
    """Return the options of `bentoml serve` for TLS (versions 1.2 and 1.3); none if the settings name no certificate.

    Parameters
    ----------
    settings : Settings
        `tls_certificate` and `tls_key` are used.

    Raises
    ------
    ConfigError
        One of the files is not named, cannot be read, is not PEM or has a password, or they do not belong together.

    Examples
    --------
    >>> from serving.settings import load_settings
    >>> tls_options(load_settings(environment={}))
    []
    """
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        return []
    if certificate is None or key is None:
        present, absent = ("tls_key", "tls_certificate") if certificate is None else ("tls_certificate", "tls_key")
        raise ConfigError(f"{absent} is required with {present}: name the PEM file of the certificate and of its key")
    for name, path in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            path.read_bytes()
        except OSError as e:
            raise ConfigError(f"{name}: {path}: {(e.strerror or 'cannot be read').lower()}") from None
    try:
        # Without a password, OpenSSL would ask for one on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as e:
        reason = (e.reason or "unknown").replace("_", " ").lower()
        raise ConfigError(
            f"tls_certificate {certificate} with tls_key {key}: {reason}; both must be PEM, the key that of this "
            "certificate and without a password (openssl pkey -in KEY -out KEY_WITHOUT_PASSWORD)"
        ) from None
    return ["--ssl-certfile", str(certificate.resolve()), "--ssl-keyfile", str(key.resolve())]
