"""Stages are noted for traced requests only."""

from __future__ import annotations

from serving.watching.stages import begin_stage


def test_each_stage_begins_where_the_one_before_ends() -> None:
    scope: dict[str, list[tuple[str, int]]] = {"stages": []}
    begin_stage(scope, "parsing")
    begin_stage(scope, "computing")
    (first, begin), (second, end) = scope["stages"]
    assert (first, second) == ("parsing", "computing") and begin <= end
    untraced: dict[str, object] = {}
    begin_stage(untraced, "parsing")
    assert untraced == {}
