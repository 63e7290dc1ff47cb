"""What the documentation points to exists, and the readme stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chehang.cli import COMMANDS
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
QUOTED_PATH = re.compile(r"`((?:features|ml|training|serving|chehang|configs|tests|notebooks|docs)/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_and_path_of_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    paths = [page.parent / link for link in LINK.findall(text)]
    paths += [ROOT / path for path in QUOTED_PATH.findall(text)]
    assert [p for p in paths if not p.exists()] == []


def test_the_readme_is_read_in_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_every_command_has_its_line_in_the_documentation() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"chehang {name}" not in text] == []
