"""Pictures written whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from features.errors import ConfigError
from training.pictures import CHINESE, chinese_fonts, save_figure


def test_a_picture_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    figure = Figure(figsize=(1, 1))
    figure.suptitle("车行")
    save_figure(figure, tmp_path / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match=r"none/b\.png: .*choose another place"):
        save_figure(figure, tmp_path / "none" / "b.png")
    assert set(chinese_fonts()) <= set(CHINESE)
