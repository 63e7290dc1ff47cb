"""Order and words of the values of a table's columns."""

from __future__ import annotations

from serving.desk.tables.columns import Choice, TableColumn

STATES = {"open": Choice("parts.table.all", "bad"), "closed": Choice("parts.table.next")}


def test_chinese_texts_are_ordered_by_sound_and_latin_ones_without_case() -> None:
    column = TableColumn("name", "x")
    names = ["赵", "陈", "孙", "李", "abel", "Bea", "王"]
    assert sorted(names, key=lambda n: column.order({"name": n})) == ["abel", "Bea", "陈", "李", "孙", "王", "赵"]


def test_states_are_ordered_as_their_column_lists_them() -> None:
    column = TableColumn("state", "x", "state", states=STATES)
    assert [column.order({"state": s}) for s in ("open", "closed", "other", None)] == [0, 1, 2, None]


def test_days_and_instants_are_ordered_together() -> None:
    column = TableColumn("at", "x", "moment")
    values = ["2025-06-30T10:00:00+08:00", "2025-06-30T01:00:00+00:00", "2025-07-01"]
    assert sorted(values, key=lambda v: column.order({"at": v})) == [values[1], values[0], values[2]]


def test_a_value_is_plain_in_the_language_of_the_page() -> None:
    column = TableColumn("name", "x")
    assert column.plain({"name": {"zh": "甲", "en": "A"}}, "en", str) == "A"
    assert TableColumn("state", "x", "state", states=STATES).plain({"state": "open"}, "zh", str) == "parts.table.all"
    assert column.plain({}, "en", str) is None
