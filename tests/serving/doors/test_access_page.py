"""The page about access has the roles and scopes of the code, and every setting and answer that it names exists."""

from __future__ import annotations

import re

from serving.doors.roles import ROLES, SCOPES
from serving.settings import Settings
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "access.md"
NAMES = {"finance_officer": "finance officer", "after_sales": "after-sales", "data_scientist": "data scientist"}


def table() -> str:
    """Return the table of the page: one line for each scope, one column for each role."""
    heads = [NAMES.get(role, role) for role in ROLES]
    lines = ["| scope | " + " | ".join(heads) + " |", "|---" * (len(ROLES) + 1) + "|"]
    rows = ((scope, ["yes" if scope in ROLES[role] else "" for role in ROLES]) for scope in SCOPES)
    return "\n".join([*lines, *(f"| `{scope}` | {' | '.join(cells)} |" for scope, cells in rows)])


def test_the_table_of_roles_and_scopes_is_that_of_the_code() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


def test_every_setting_that_the_page_names_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names = set(re.findall(r"`?\b((?:key|jwt|cors)_[a-z_]+)\b", text))
    others = {"key_in_url", "key_id"}
    assert names - others <= set(Settings.model_fields) and len(names) > 6
