"""Fonts with Chinese characters, looked for on the disk each time: the font cache of matplotlib may be older."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager

MISSING = (
    "no font with Chinese characters is installed, so they are boxes in {path}: install the package fonts-noto-cjk "
    "(Debian, Ubuntu), google-noto-sans-cjk-fonts (Fedora) or noto-fonts-cjk (Arch), then run the command again"
)
_FILES = re.compile(
    r"notosans(mono)?(cjk|sc|hans)|sourcehansans|wqy|wenquanyi|droidsansfallback|msyh|simhei|simsun|pingfang|"
    r"stheiti|hiragino ?sans ?gb|arial ?unicode|uming|ukai",
    re.IGNORECASE,
)
_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


def chinese_fonts() -> list[str]:
    """Return the names of the installed fonts that have Chinese characters, made known to matplotlib; sans first."""
    names: list[str] = []
    for path in sorted(_files(), key=lambda p: ("serif" in p.name.lower(), p.name)):
        try:
            fontManager.addfont(str(path))
            name = FontProperties(fname=str(path)).get_name()
        except (OSError, RuntimeError, ValueError):  # no font, whatever its name says
            continue
        if name not in names:
            names.append(name)
    return names


def _files() -> Iterator[Path]:
    return (path for path in map(Path, findSystemFonts()) if _FILES.search(path.name))


def has_chinese(text: str) -> bool:
    """Return whether a text has Chinese characters or punctuation.

    >>> has_chinese("澄舟X5"), has_chinese("brakes")
    (True, False)
    """
    return _CHINESE.search(text) is not None
