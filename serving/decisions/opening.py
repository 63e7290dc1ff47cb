"""Check the keys of the decision log when the service starts."""

from __future__ import annotations

from features.errors import ConfigError
from serving.decisions.log_keys import MAKE_KEY, VARIABLE, log_keys


def check_log_keys(host: str, *, is_loopback: bool) -> str | None:
    """Return a line for the operator if the service runs without keys of the decision log; None if it has them.

    Parameters
    ----------
    host : str
        Address on which the service listens.
    is_loopback : bool
        Whether only programs of this machine reach it.

    Raises
    ------
    ConfigError
        The keys are invalid, or there are none and other machines reach the service: the inputs of decisions must be
        kept, and only encrypted.

    Examples
    --------
    >>> check_log_keys("127.0.0.1", is_loopback=True)  # doctest: +SKIP
    'no CHEHANG_LOG_KEYS: the decision log does not store inputs, references and notes'
    """
    if log_keys() is not None:
        return None
    if not is_loopback:
        text = f"must be set to listen on {host}: they encrypt the inputs of decisions; make a key with: {MAKE_KEY}"
        raise ConfigError(f"{VARIABLE} {text} and set {VARIABLE}=NAME:KEY")
    return f"no {VARIABLE}: the decision log does not store inputs, references and notes"
