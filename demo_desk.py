"""The last part of `make demo`: a key for a person of each role, and how to open the desk."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
import subprocess
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

PORT = 8080  # of `make serve`
ENVIRONMENT_FILE = "desk.env"  # `make serve` reads it
# Two finance officers: a second person confirms what the first decides against the model.
PEOPLE = (
    ("王晓岚", "finance_officer", "金融专员 Loans: applications, offers, decisions"),
    ("李志远", "finance_officer", "金融专员 The second person, who confirms"),
    ("陈佳", "sales", "销售 Leads: whom to call, what to say"),
    ("周敏", "planner", "库存计划 Stock: forecasts, orders, transfers"),
    ("赵卫国", "after_sales", "售后 Quality alarms, vehicles to inspect"),
    ("徐建华", "manager", "经理 All of these, and the dashboard"),
    ("林悦", "data_scientist", "数据科学 Models: reports, drift, promotion"),
)


class LogIn(NamedTuple):
    """A person and the key with which they log in."""

    name: str
    role: str
    what: str
    key: str


def new_log_keys() -> str:
    """Return a value for CHEHANG_LOG_KEYS: a key that encrypts names and phone numbers in the logs.

    >>> new_log_keys().partition(":")[0]
    'demo'
    """
    return f"demo:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def create_keys(environment: Mapping[str, str]) -> list[LogIn]:
    """Create a key for each of `PEOPLE` by `chehang keys create`.

    Parameters
    ----------
    environment : mapping of str to str
        With CHEHANG_HOME.

    Returns
    -------
    list of LogIn
        In the order of `PEOPLE`.
    """
    log_ins = []
    for name, role, what in PEOPLE:
        command = [sys.executable, "-m", "chehang", "keys", "create", name, "--role", role, "--by", "demo", "--json"]
        result = subprocess.run(command, check=True, env=dict(environment), capture_output=True, text=True)
        log_ins.append(LogIn(name, role, what, json.loads(result.stdout)["key"]))
    return log_ins


def write_environment(path: Path, values: Mapping[str, str]) -> None:
    """Write variables for a shell, readable by their owner alone.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    values : mapping of str to str
        By name.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "desk.env"
    ...     write_environment(path, {"CHEHANG_HOME": "/data/my demo"})
    ...     path.read_text(), oct(path.stat().st_mode & 0o777)
    ("CHEHANG_HOME='/data/my demo'\\n", '0o600')
    """
    path.unlink(missing_ok=True)
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def print_desk(out: Console, log_ins: Sequence[LogIn], url: str, *, is_running: bool) -> None:
    """Print the address of the desk and the table of log-ins.

    Parameters
    ----------
    out : Console
        Terminal.
    log_ins : sequence of LogIn
        As returned by `create_keys`.
    url : str
        Address of the server.
    is_running : bool
        Whether it answers already; otherwise `make serve` starts it.
    """
    out.print("\n[bold]The desk: what people see in the browser 工作台[/bold]")
    if not is_running:
        out.print("start it with 启动: [bold cyan]make serve[/bold cyan]")
    out.print(f"open 打开: [bold]{url}/desk[/bold]   and log in with one of these keys 用以下密钥登录")
    table = Table("name 姓名", "role", "sees 可见", "key 密钥", box=None, pad_edge=False)
    for person in log_ins:
        table.add_row(person.name, person.role, person.what, person.key)
    # A key that is cut or wrapped cannot be copied.
    Console(file=out.file, highlight=False, width=max(out.width, 150), record=out.record).print(table)


def open_browser(url: str) -> bool:
    """Open the desk in the browser if this machine has a screen; return whether it was opened.

    >>> import os
    >>> screen = {name: os.environ.pop(name, None) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")}
    >>> open_browser("http://127.0.0.1:1") if sys.platform != "darwin" else False
    False
    >>> os.environ.update({name: value for name, value in screen.items() if value is not None})
    """
    has_screen = sys.platform == "darwin" or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    try:
        return has_screen and webbrowser.open(f"{url}/desk")
    except (webbrowser.Error, OSError):
        return False
