"""Which workshop lines are dangerous, in Chinese and English, and the errors of the section `safety`."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from features.errors import ConfigError
from ml.fault_rate import safety_words
from ml.fault_rate.rules import load_alarm_rules
from ml.fault_rate.safety import SafetyKind, SafetyRules

RULES = SafetyRules()

DANGEROUS = [
    ("brakes", "高速行驶时制动失灵，更换制动总泵", "loss_of_braking"),
    ("brakes", "刹车踏板一脚踩到底，车辆刹不住", "loss_of_braking"),
    ("brakes", "行驶中失去制动力", "loss_of_braking"),
    ("brakes", "未发现异响，制动失灵", "loss_of_braking"),
    ("brakes", "未及时保养导致制动失灵", "loss_of_braking"),
    ("brakes", "无制动", "loss_of_braking"),
    ("brakes", "刹车偶发性失灵", "loss_of_braking"),
    ("brakes", "客户反映刹车没有反应", "loss_of_braking"),
    ("brakes", "刹车失灵：无其他异常", "loss_of_braking"),
    ("brakes", "ＢＲＡＫＥ ＦＡＩＬＵＲＥ", "loss_of_braking"),
    ("brakes", "does not stop, brakes do not work", "loss_of_braking"),
    ("steering", "没有预兆方向盘锁死", "loss_of_steering"),
    ("steering", "power steering suddenly lost", "loss_of_steering"),
    ("Brakes", "Total loss of braking on the highway; master cylinder replaced", "loss_of_braking"),
    ("brakes", "customer states brake pedal went to the floor", "loss_of_braking"),
    ("brakes", "no noise, but brakes failed and the car would not stop", "loss_of_braking"),
    ("brakes", "no fault found today: loss of braking reported by the customer", "loss_of_braking"),
    ("steering", "行驶中方向盘突然锁死", "loss_of_steering"),
    ("steering", "转向助力突然消失，更换转向机", "loss_of_steering"),
    ("steering", "Lost power steering while turning", "loss_of_steering"),
    ("steering", "STEERING WHEEL LOCKED UP AT 60 KM/H", "loss_of_steering"),
    ("airbags", "碰撞后气囊未弹出", "restraints"),
    ("airbags", "airbag did not deploy in crash", "restraints"),
    ("seat_belts", "安全带锁不住", "restraints"),
    ("traction_battery", "动力电池包冒烟，更换电池包", "thermal_runaway"),
    ("traction_battery", "battery pack caught fire while charging", "thermal_runaway"),
    ("battery_12v", "12V蓄电池起火", "fire"),
    ("engine", "机舱起火，更换线束", "fire"),
    (None, "vehicle on fire", "fire"),
    ("infotainment", "smoke from the dashboard", "fire"),
]

HARMLESS = [
    ("brakes", "制动异响，更换前刹车片及制动盘"),
    ("brakes", "制动液更换"),
    ("brakes", "无制动异响"),
    ("brakes", "没有检查刹车"),
    ("brakes", "no brakes noise"),
    ("brakes", "squeal did not stop after the pads were replaced"),
    ("brakes", "检查刹车"),
    ("brakes", "刹车灯失效，更换灯泡"),
    ("brakes", "未见制动失灵，清洁制动盘"),
    ("brakes", "制动失灵：无"),
    ("brakes", "制动失灵：未见异常；转向：正常"),
    ("steering", "方向盘锁更换"),
    ("body", "fire brigade vehicle, routine service"),
    ("brakes", "检查是否有制动失灵现象"),
    ("brakes", "更换制动软管，防止制动失灵"),
    ("brakes", "no loss of braking"),
    ("brakes", "No evidence of loss of braking; pads worn"),
    ("brakes", "did not find any loss of braking"),
    ("brakes", "loss of braking: none"),
    ("brakes", "brake light failure, bulb replaced"),
    ("brakes", "brake squeal, replaced pads"),
    ("steering", "方向盘异响，更换转向拉杆球头"),
    ("steering", "转向灯失灵"),
    ("steering", "方向盘加热失效"),
    ("steering", "without loss of steering"),
    ("airbags", "气囊灯亮，插头松动"),
    ("engine", "车辆打不着火，更换点火线圈"),
    ("engine", "着火困难"),
    ("infotainment", "保险丝烧毁"),
    ("steering", "无转向异响，无助力泵渗漏"),
    ("engine", "排气管冒烟，烧机油"),
    ("engine", "未发现漏油、起火"),
    ("engine", "misfire on cylinder 3"),
    ("engine", "smoke test of EVAP system, no smoke"),
    ("body", "replaced fire extinguisher"),
    ("body", "no smoke or fire"),
    ("wipers", "制动失灵"),  # words of braking on a line of another component
    (None, "loss of braking"),  # without a component only kinds of all components match
    ("brakes", None),
    ("brakes", ""),
]


@pytest.mark.parametrize(("component", "text", "kind"), DANGEROUS)
def test_dangerous_lines_have_a_kind(component: str | None, text: str, kind: str) -> None:
    match = RULES.match(component, text)
    assert match is not None and match[0].name == kind
    assert match[1].casefold() in unicodedata.normalize("NFKC", text).casefold()


@pytest.mark.parametrize(("component", "text"), HARMLESS)
def test_harmless_negated_and_foreign_lines_have_none(component: str | None, text: str | None) -> None:
    assert RULES.match(component, text) is None


@pytest.mark.parametrize("name", [kind["name"] for kind in safety_words.KINDS])
def test_every_kind_has_dangerous_lines_in_both_languages(name: str) -> None:
    texts = [text for _, text, kind in DANGEROUS if kind == name]
    assert any(text.isascii() for text in texts) and any(not text.isascii() for text in texts)


def test_a_code_matches_as_a_whole_and_only_for_its_components() -> None:
    kind = SafetyKind(name="brakes", zh="制动", en="brakes", components=("brakes",), codes=("C12[0-9]+",))
    rules = SafetyRules(kinds=(kind,))
    assert rules.match("brakes", "code read", " c1234 ") == (kind, "c1234")
    assert rules.match("brakes", "code read", "C1234X") is None
    assert rules.match("steering", "code read", "C1234") is None


def test_the_first_kind_names_the_report() -> None:
    first, second = (SafetyKind(name=n, zh=n, en=n, words=("smoke",)) for n in ("first", "second"))
    match = SafetyRules(kinds=(first, second)).match("engine", "smoke")
    assert match is not None and match[0] is first


def test_safety_components_are_compared_without_regard_to_case() -> None:
    rules = SafetyRules(components=("Brakes",))
    assert rules.is_safety("BRAKES") and not rules.is_safety("steering") and not rules.is_safety(None)


@given(st.text(max_size=60))
def test_any_text_gets_an_answer_from_its_own_words(text: str) -> None:
    match = RULES.match("brakes", text)
    assert match is None or match[1] in text


def test_the_configuration_lists_the_defaults() -> None:
    assert load_alarm_rules(Path("configs/fault_alarms.yaml")).safety == RULES


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "kinds: [{name: fire, zh: 火, en: fire, words: ['fire', '(smoke']}]",
            "fault_alarms.yaml: safety.kinds.0: kind 'fire', words: '(smoke' is not a regular expression (missing ), "
            "unterminated subpattern at position 0); correct it, or put \\ before signs such as ( that stand for "
            "themselves",
        ),
        (
            "kinds: [{name: fire, zh: 火, en: fire, words: ['a*']}]",
            "kind 'fire', words: 'a*' matches the empty text, and so every line; name at least one word",
        ),
        (
            "kinds: [{name: fire, zh: 火, en: fire}]",
            "safety.kinds.0: kind 'fire' has neither words nor codes; add one, or delete the kind",
        ),
        (
            "kinds: [{name: f, zh: 火, en: f, words: [a]}, {name: f, zh: 火, en: f, words: [b]}]",
            "safety.kinds: two kinds are named 'f'",
        ),
        ("negations: ['[']", "safety.negations: this list: '[' is not a regular expression"),
        ("capacity_per_week: 0", "safety.capacity_per_week: input should be greater than or equal to 1, got 0"),
        ("capacity: 3", "safety.capacity: unknown key; did you mean `capacity_per_week`?"),
    ],
)
def test_errors_name_file_kind_and_pattern(tmp_path: Path, section: str, message: str) -> None:
    path = tmp_path / "fault_alarms.yaml"
    path.write_text(f"safety: {{{section}}}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_alarm_rules(path)
    assert message in str(error.value) and str(path) in str(error.value)


def test_names_of_kinds_are_lower_case() -> None:
    with pytest.raises(ValidationError, match="name"):
        SafetyKind(name="Loss of braking", zh="制动失效", en="loss of braking", words=("x",))
