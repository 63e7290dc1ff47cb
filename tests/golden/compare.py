"""Compare recorded content with the golden files, and rewrite them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.golden.render import settled, text_of


def differences(golden: Mapping[str, Any], folder: Path) -> str:
    """Return a unified diff of the files and the content, empty if nothing differs beyond the tolerance."""
    expected = _texts(folder)
    current = {name: _text(content, expected.get(name)) for name, content in golden.items()}
    lines: list[str] = []
    for name in sorted(expected.keys() | current.keys()):
        before, after = (side.get(name, "").splitlines() for side in (expected, current))
        lines += difflib.unified_diff(before, after, f"expected/{name}.json", f"recorded/{name}.json", lineterm="", n=2)
    return "\n".join(lines)


def accepted(golden: Mapping[str, Any], folder: Path) -> list[str]:
    """Rewrite the files and return the names of those that changed.

    A figure within the tolerance is not changed, so that another processor changes nothing.
    """
    expected = _texts(folder)
    current = {name: _text(content, expected.get(name)) for name, content in golden.items()}
    for name in expected.keys() - current.keys():
        (folder / f"{name}.json").unlink()
    changed = [name for name, text in current.items() if text != expected.get(name)]
    for name in changed:
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(current[name], encoding="utf-8")
    return sorted([*changed, *(expected.keys() - current.keys())])


def _texts(folder: Path) -> dict[str, str]:
    files = sorted(folder.rglob("*.json"))
    return {str(p.relative_to(folder).with_suffix("")): p.read_text(encoding="utf-8") for p in files}


def _text(content: Any, expected: str | None) -> str:
    return text_of(content if expected is None else settled(content, json.loads(expected)))
