"""Replace values that differ between runs by names: folders, run ids in paths, the current instant, the commit."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_RUN = re.compile(r"(/artifacts/[^/]+)/[0-9a-f]{32}/")
_SECOND = timedelta(seconds=1)  # some instants are cut to seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Mask:
    """Mask values, not keys, so that renamed keys stay masked and instants of the data are not masked.

    Parameters
    ----------
    home, root : Path
        CHEHANG_HOME of the run, and root folder of the code.
    """

    def __init__(self, *, home: Path, root: Path) -> None:
        self.folders = {str(home): "$CHEHANG_HOME", str(root): "$ROOT"}
        self.commit = _commit(root)
        self.begin = datetime.now(UTC)

    def __call__(self, content: Any) -> Any:
        """Return the content with masked values.

        Examples
        --------
        >>> mask = Mask(home=Path("/tmp/home"), root=Path.cwd())
        >>> mask(["/tmp/home/out.csv", datetime.now(UTC).isoformat(), "2024-01-01T00:00:00Z", 7])
        ['$CHEHANG_HOME/out.csv', '$NOW', '2024-01-01T00:00:00Z', 7]
        >>> mask("/tmp/home/artifacts/credit_risk/0123456789abcdef0123456789abcdef/artifacts/report")
        '$CHEHANG_HOME/artifacts/credit_risk/$RUN/artifacts/report'
        """
        if isinstance(content, dict):
            return {k: self(v) for k, v in content.items()}
        if isinstance(content, list):
            return [self(v) for v in content]
        if isinstance(content, str):
            return self._text(content)
        if isinstance(content, int) and not isinstance(content, bool):
            return "$NOW" if self._is_now(content) else content
        return content

    def _text(self, text: str) -> str:
        for folder, name in self.folders.items():
            text = text.replace(folder, name)
        text = _RUN.sub(r"\1/$RUN/", text)
        if not self.commit:  # no checkout
            text = "$COMMIT" if text == "unknown" else text
        else:
            text = re.sub(rf"{self.commit}[0-9a-f]*\+?", "$COMMIT", text)
        return _INSTANT.sub(lambda match: "$NOW" if self._is_now(_microseconds(match[0])) else match[0], text)

    def _is_now(self, microseconds: int) -> bool:
        begin, end = self.begin - _SECOND, datetime.now(UTC) + _SECOND
        return _of(begin) <= microseconds <= _of(end)


def _of(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _microseconds(text: str) -> int:
    return _of(datetime.fromisoformat(text))


def _commit(root: Path) -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout.strip()
