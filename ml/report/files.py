"""Files of a report in the folder of a model version."""

from __future__ import annotations

import json
from pathlib import Path

from ml.home import write_atomically
from ml.report.html import html_page
from ml.report.report import Report


def write_report(report: Report, folder: Path) -> None:
    """Write `report.json`, `report.html` and `report.png` into a folder.

    The PNG file needs matplotlib, which the extra `train` installs.

    Parameters
    ----------
    report : Report
        ``ml.report.report.Report(task="credit_risk", protocol="in time order", sections=())``, for example.
    folder : Path
        Folder to write to; created if it is missing. Files of these names are replaced.

    Raises
    ------
    ConfigError
        A file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from ml.report.report import Report
    >>> with TemporaryDirectory() as folder:
    ...     write_report(Report(task="credit_risk", protocol="in time order", sections=()), Path(folder))
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['report.html', 'report.json', 'report.png']
    """
    from ml.report.figures import draw_report

    content = json.dumps(report.as_dict(), ensure_ascii=False, indent=1, allow_nan=False)
    write_atomically(folder / "report.json", content.encode())
    write_atomically(folder / "report.html", html_page(report).encode())
    draw_report(report, folder / "report.png")
