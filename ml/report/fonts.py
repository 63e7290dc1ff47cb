"""Installed fonts with Chinese characters, searched on disk, because matplotlib's font cache may be outdated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager

MISSING = (
    "{path} shows boxes instead of Chinese characters, because no font has them: install the package fonts-noto-cjk "
    "(Debian, Ubuntu), google-noto-sans-cjk-fonts (Fedora) or noto-fonts-cjk (Arch), then run the command again"
)
_FILES = re.compile(
    r"notosans(mono)?(cjk|sc|hans)|sourcehansans|wqy|wenquanyi|droidsansfallback|msyh|simhei|simsun|pingfang|"
    r"stheiti|hiragino ?sans ?gb|arial ?unicode|uming|ukai",
    re.IGNORECASE,
)
_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


def chinese_fonts() -> list[str]:
    """Register the installed fonts with Chinese characters in matplotlib; return their names, sans-serif first.

    The names are values for matplotlib's `font.family`, as in ``rc_context({"font.family": chinese_fonts()})``. The
    list is empty if no such font is installed.
    """
    names: list[str] = []
    for path in sorted(_files(), key=lambda p: ("serif" in p.name.lower(), p.name)):
        try:
            fontManager.addfont(str(path))
            name = FontProperties(fname=str(path)).get_name()
        except (OSError, RuntimeError, ValueError):  # the file is not a font
            continue
        if name not in names:
            names.append(name)
    return names


def _files() -> Iterator[Path]:
    return (path for path in map(Path, findSystemFonts()) if _FILES.search(path.name))


def has_chinese(text: str) -> bool:
    """Return whether a text has Chinese characters or punctuation.

    Examples
    --------
    >>> has_chinese("澄舟X5"), has_chinese("brakes")
    (True, False)
    """
    return _CHINESE.search(text) is not None
