"""Every column and category of the contracts has a name in both languages; own names override, codes are quoted."""

from __future__ import annotations

import re

import pytest

from features.errors import ConfigError
from features.lead_scoring import HISTORIES
from features.tables import TABLES
from features.yaml_config import Layer, validate
from ml.bilingual import Text
from ml.credit_risk.params import DERIVED
from ml.label_names import COLUMNS, FEATURES, UNITS, VALUES
from ml.labels import Labels, unit_label
from training.simulator.faults import COMPONENTS
from training.simulator.workshop import ROUTINE

LABELS = Labels()
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_column_and_category_of_a_contract_has_a_name(table: str) -> None:
    for name, column in TABLES[table].columns.items():
        label = LABELS.column(name, table=table)
        assert CHINESE.search(label.zh) and "“" not in label.zh + label.en, name
        assert "_" not in label.zh + label.en, name
        for value in column.values:
            text = LABELS.value(name, value)
            assert "“" not in text.zh + text.en and "_" not in text.en, (name, value)


def test_every_unit_of_a_contract_has_a_name() -> None:
    units = {c.unit for t in TABLES.values() for c in t.columns.values()} - {None, "us"}
    assert units <= set(UNITS)
    assert unit_label("fen") == Text(zh="元", en="yuan") and unit_label("V") == Text(zh="V", en="V")


def test_features_and_components_of_the_sample_have_names() -> None:
    computed = [*DERIVED, *(n for history in HISTORIES for n in history.aggregations)]
    assert all(CHINESE.search(LABELS.column(name).zh) for name in computed)
    assert {*COMPONENTS, *ROUTINE} <= set(VALUES["component"])


def test_chinese_names_differ_from_codes_and_english_ones_have_no_capitals_at_random() -> None:
    for names in (COLUMNS, FEATURES, *VALUES.values()):
        assert all(zh and en for zh, en in names.values())
        assert len({zh for zh, _ in names.values()}) >= len(names) - 2  # place and position share one name


def test_own_names_override_and_an_own_column_has_no_built_in_name() -> None:
    own = Labels(
        columns={"late": Text(zh="逾期次数", en="late payments")},
        values={"component": {"brakes": Text(zh="刹车", en="braking system")}},
    )
    assert own.column("late").zh == "逾期次数" and own.component("brakes").en == "braking system"
    assert own.component("steering").zh == "转向系统"
    assert LABELS.column("price", own=True).zh == "“price”"
    assert LABELS.value("condition", "used", own=True).en == "“used”"


def test_a_code_without_a_name_is_quoted_and_a_proper_noun_is_not() -> None:
    assert LABELS.column("late").zh == "“late”" and LABELS.column("逾期次数").en == "逾期次数"
    assert LABELS.value("colour", "dark_red").zh == "“dark_red”"
    assert [LABELS.value("brand", v).zh for v in ("望岱", "BMW", "Golf", "65+")] == ["望岱", "BMW", "Golf", "65+"]
    assert (LABELS.value("brand", None).zh, LABELS.value("flag", False).en) == ("未填写", "no")


def test_rates_by_columns_are_named() -> None:
    assert LABELS.column("rate of store_id and channel").zh == "按门店、渠道的历史成交率"


def test_a_label_needs_both_languages() -> None:
    content = {"columns": {"late": {"zh": "逾期次数"}}}
    with pytest.raises(ConfigError, match=r"columns\.late\.en"):
        validate(content, Labels, [Layer("x.yaml", content, content)])
