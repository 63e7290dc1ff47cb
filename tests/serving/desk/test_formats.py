"""Numbers, money, dates and masks in both languages."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.desk import formats
from serving.desk.formats import (
    format_age,
    format_date,
    format_day_time,
    format_duration,
    format_interval,
    format_moment,
    format_money,
    format_money_wan,
    format_months,
    format_number,
    format_percent,
    format_signed,
    mask_name,
    mask_phone,
)  # fmt: skip

NOW = datetime.fromisoformat("2025-06-30T10:30:00+08:00")


@given(st.integers(-(10**12), 10**12))
def test_a_written_integer_is_read_back(value: int) -> None:
    assert int(format_number(value).replace(",", "").replace(formats.MINUS, "-")) == value


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_a_written_number_is_at_most_half_a_unit_of_its_last_digit_away(value: float, digits: int) -> None:
    written = float(format_number(value, digits).replace(",", "").replace(formats.MINUS, "-"))
    assert abs(written - value) <= 0.5 * 10**-digits * (1 + 1e-6) + 1e-6


@given(st.floats(0, 1))
def test_a_percentage_is_the_share_times_one_hundred(share: float) -> None:
    assert abs(float(format_percent(share, 2).removesuffix("%")) - 100 * share) <= 0.0051


@given(st.floats(-1e6, 1e6))
def test_a_sign_stands_before_every_number_but_zero(value: float) -> None:
    text = format_signed(value, 1)
    assert (text[0] in "+−") == (text.strip("+−") != "0.0")


@given(st.integers(1, 10**7))
def test_a_duration_names_its_largest_unit(seconds: int) -> None:
    unit = format_duration(seconds, "zh").split(" ")[1] if seconds >= 60 else "不到"
    assert unit == ("不到" if seconds < 60 else "分钟" if seconds < 3600 else "小时" if seconds < 86400 else "天")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (format_money_wan(9_999, "zh"), "9,999 元"),
        (format_money_wan(123_456_789, "zh"), "12,346 万元"),
        (format_money_wan(123_456_789, "en"), "123.5 million yuan"),
        (format_money(None, "en", unit=True), "—"),
        (format_percent(0.0994), "9.9%"),
        (format_percent(0.0996), "10%"),
        (format_interval(None, "en"), "—"),
        (format_interval((0.05, None), "en"), "—"),
        (format_interval((1200, 3400), "zh", "money"), "1,200～3,400"),
        (format_months(13, "en"), "1 year 1 month"),
        (format_day_time("09:00:00", "zh", NOW), "9:00"),
        (format_age("2025-06-30T11:30:00+08:00", "en", NOW), "under a minute"),
        (format_moment("2025-07-01T09:00:00+08:00", "zh", NOW), "明日 9:00"),
        (format_moment("2025-06-30", "en", NOW), "today"),
        (format_date("2025-06-29T16:30:00+00:00", "en", NOW), "30 June"),
        (mask_name("欧阳修"), "欧**"),
        (mask_name("  "), "—"),
        (mask_phone("+86 138 1234 1234"), "861****1234"),
    ],
)
def test_a_value_is_written_as_people_write_it(text: str, written: str) -> None:
    assert text == written


def test_a_mask_never_shows_a_whole_name_or_number() -> None:
    assert mask_name("王") == "王"  # a single letter cannot be hidden without hiding that there is a name
    assert "1234" not in mask_phone("1234")


def test_a_text_that_is_no_date_is_refused() -> None:
    with pytest.raises(ValueError, match="isoformat"):
        formats.parse_time("30 June")
