"""Format golden content as text for readable diffs."""

from __future__ import annotations

import json
import math
from typing import Any

WIDTH = 120
DIGITS = 6
RELATIVE_TOLERANCE = 1e-4
ZERO = 1e-9


def rounded(content: Any) -> Any:
    """Return the content with fractions rounded to six significant digits; values below 1e-9 become 0.

    Examples
    --------
    >>> rounded({"auc": 0.712345678, "rows": 12345678, "gain": -1e-17})
    {'auc': 0.712346, 'rows': 12345678, 'gain': 0.0}
    """
    if isinstance(content, dict):
        return {k: rounded(v) for k, v in content.items()}
    if isinstance(content, list):
        return [rounded(v) for v in content]
    if isinstance(content, float) and math.isfinite(content):
        return 0.0 if abs(content) < ZERO else float(f"{content:.{DIGITS}g}")
    return content


def settled(content: Any, expected: Any) -> Any:
    """Return the content with each fraction within the tolerance replaced by the expected fraction.

    Any remaining difference exceeds the tolerance.

    Examples
    --------
    >>> settled({"auc": 0.71235, "rows": 11, "new": 1.0}, {"auc": 0.71234, "rows": 10})
    {'auc': 0.71234, 'rows': 11, 'new': 1.0}
    """
    if isinstance(content, dict) and isinstance(expected, dict):
        return {k: settled(v, expected[k]) if k in expected else v for k, v in content.items()}
    if isinstance(content, list) and isinstance(expected, list):
        pairs = zip(content, expected, strict=False)
        return [*(settled(v, e) for v, e in pairs), *content[len(expected) :]]
    if isinstance(content, float) and isinstance(expected, float):
        near = math.isclose(content, expected, rel_tol=RELATIVE_TOLERANCE, abs_tol=ZERO)
        return expected if near else content
    return content


def text_of(content: Any) -> str:
    """Return JSON with sorted keys and as few lines as the width allows.

    Examples
    --------
    >>> print(text_of({"b": [1, 2], "a": ["x" * 60, "y" * 60]}), end="")
    {
     "a": [
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
     ],
     "b": [1, 2]
    }
    """
    return _text(content, indent=0, before=0) + "\n"


def _text(content: Any, *, indent: int, before: int) -> str:
    line = json.dumps(content, sort_keys=True, ensure_ascii=False)
    if not content or not isinstance(content, dict | list) or indent + before + len(line) < WIDTH:
        return line
    margin = "\n" + " " * (indent + 1)
    if isinstance(content, list):
        parts = [_text(v, indent=indent + 1, before=0) for v in content]
        if not any(isinstance(v, dict | list) for v in content):
            return f"[{margin}{margin.join(_filled(parts, width=WIDTH - indent - 1))}\n{' ' * indent}]"
        return f"[{margin}{f',{margin}'.join(parts)}\n{' ' * indent}]"
    names = {k: json.dumps(k, ensure_ascii=False) + ": " for k in sorted(content)}
    parts = [name + _text(content[k], indent=indent + 1, before=len(name)) for k, name in names.items()]
    return f"{{{margin}{f',{margin}'.join(parts)}\n{' ' * indent}}}"


def _filled(parts: list[str], *, width: int) -> list[str]:
    """Return lines of values, each as full as the width allows."""
    lines = [parts[0]]
    for part in parts[1:]:
        lines[-1] += ","
        if len(lines[-1]) + len(part) + 2 <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines
