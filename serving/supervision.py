"""Workers end with their supervisor, and a server starts only where no other one listens."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import threading
import time

from features.errors import ConfigError

LOG = logging.getLogger("chehang.serving")


def check_address(host: str, port: int) -> None:
    """Refuse an address on which nobody can listen now.

    Parameters
    ----------
    host, port : str, int
        As of `serving.settings.Settings`.

    Raises
    ------
    ConfigError
        Another program listens there, the port needs rights, or the host is none of this machine.

    Examples
    --------
    >>> import socket
    >>> from serving.supervision import check_address
    >>> with socket.create_server(("127.0.0.1", 0)) as other:
    ...     check_address("127.0.0.1", other.getsockname()[1])
    Traceback (most recent call last):
    features.errors.ConfigError: port ...: another program listens on 127.0.0.1:...; stop it, or choose another --port
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except socket.gaierror as e:
        raise ConfigError(f"host {host}: {e.strerror}; give a name or address of this machine") from None
    except PermissionError:
        raise ConfigError(f"port {port}: this user may not listen on it; choose a --port above 1023") from None
    except OSError as e:
        if e.errno != errno.EADDRINUSE:
            raise ConfigError(f"host {host}: {e.strerror}; give an address of this machine") from None
        text = f"port {port}: another program listens on {host}:{port}; stop it, or choose another --port"
        raise ConfigError(text) from None


def end_with_parent(*, seconds: float = 1.0) -> None:
    """End this process as by SIGTERM when its parent has ended, even if that was killed.

    Without a supervisor, workers would answer on, and keep the port from the next server.

    Parameters
    ----------
    seconds : float
        Time between two looks.
    """
    thread = threading.Thread(target=_watch, args=(os.getppid(), seconds), name="supervisor", daemon=True)
    thread.start()


def _watch(parent: int, seconds: float) -> None:
    while os.getppid() == parent:
        time.sleep(seconds)
    LOG.error("the supervisor has ended; this worker stops")
    os.kill(os.getpid(), signal.SIGTERM)
