"""What no two runs have in common, replaced by names: folders, the present instant, the commit of the code."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_SECOND = timedelta(seconds=1)  # some instants are cut to seconds


class Mask:
    """Replaces by value, not by key: a key that is renamed stays masked, and instants of the data stay as they are.

    Parameters
    ----------
    home, root : Path
        CHEHANG_HOME of the run, and the folder of the code.
    """

    def __init__(self, *, home: Path, root: Path) -> None:
        self.folders = {str(home): "$CHEHANG_HOME", str(root): "$ROOT"}
        self.commit = _commit(root)
        self.begin = datetime.now(UTC)

    def __call__(self, content: Any) -> Any:
        """Return the content, masked."""
        return json.loads(self.text(json.dumps(content, ensure_ascii=False)))

    def text(self, text: str) -> str:
        """Return the text, masked."""
        for folder, name in self.folders.items():
            text = text.replace(folder, name)
        if self.commit:
            text = re.sub(rf"{self.commit}[0-9a-f]*\+?", "$COMMIT", text)
        return _INSTANT.sub(lambda match: self._instant(match[0]), text)

    def _instant(self, text: str) -> str:
        instant = datetime.fromisoformat(text)
        return "$NOW" if self.begin - _SECOND <= instant <= datetime.now(UTC) + _SECOND else text


def _commit(root: Path) -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout.strip()
