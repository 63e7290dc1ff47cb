"""The table of the ranked pairs has titles and units in both languages."""

from __future__ import annotations

import polars as pl

from training.runs.signal_report import SIGNAL, pair_table


def test_own_labels_keep_their_names() -> None:
    row = {"车型": "甲", "部件": "制动", "count": 9, "expected": 3.0, "ebgm": 2.5, "eb05": SIGNAL, "eb95": 4.0}
    row |= {n: None for r in ("prr", "ror") for n in (r, f"{r}_lower", f"{r}_upper")}
    section = pair_table(pl.DataFrame([row]), limit=3)
    assert [c.title.zh for c in section.columns[:3]] == ["车型", "部件", "件数"]
    assert section.summary is not None and section.summary.zh == "1 个组合中有 1 个的 EB05 不低于 2"
    assert all(c.unit is not None for c in section.columns if c.format == "number" and c.name != "expected")
