"""What pictures have in common: fonts that can write Chinese names, and files that are written whole."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from features.errors import ConfigError

CHINESE = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
    "Microsoft YaHei", "SimHei", "PingFang SC", "Heiti SC", "Arial Unicode MS",
)  # fmt: skip


@lru_cache(maxsize=1)
def chinese_fonts() -> list[str]:
    """Fonts of this machine that have the characters of model names; none where there are none."""
    there = {font.name for font in fontManager.ttflist}
    return [name for name in CHINESE if name in there]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture whole: under another name, then renamed.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.png")
    try:
        with warnings.catch_warnings():  # one line for each character of a name that no font here has
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(part, dpi=110)
        part.replace(path)
    except OSError as e:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise ConfigError(f"{path}: {e.strerror}; free space there or choose another place") from None
