"""Shapes of dates in text, and the formats that they can have."""

from __future__ import annotations

import pytest

from features.sources.date_shapes import formats_of, shape_of


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("15.01.2024", ["%d.%m.%Y", "%m.%d.%Y"]),
        ("15.1.24", ["%d.%m.%y", "%m.%d.%y", "%y.%m.%d"]),
        ("2024/1/5 9:30", ["%Y/%m/%d %H:%M"]),
        ("2024-01-15T10:30:00.250Z", ["%Y-%m-%dT%H:%M:%S%.fZ"]),
        ("2024-01-15 10:30:00+08:00", ["%Y-%m-%d %H:%M:%S%:z"]),
        ("10/Oct/2020:13:55:36 -0700", ["%d/%b/%Y:%H:%M:%S %z", "%d/%B/%Y:%H:%M:%S %z"]),
        ("26-Mar-25", ["%d-%b-%y", "%d-%B-%y"]),
        ("Fri, 29 Aug 2025 10:00:00 GMT", ["%A, %d %b %Y %H:%M:%S GMT", "%A, %d %B %Y %H:%M:%S GMT"]),
        ("August 2025", ["%b %Y", "%B %Y"]),
        ("2024年1月5日 9时3分7秒", ["%Y年%m月%d日 %H时%M分%S秒"]),
        ("20240115 093000", ["%Y%m%d %H%M%S", "%d%m%Y %H%M%S", "%m%d%Y %H%M%S"]),
        ("202401", ["%Y%m", "%y%m%d", "%d%m%y", "%m%d%y"]),
        ("1/15/2024, 10:30 pm", ["%d/%m/%Y, %I:%M %p", "%m/%d/%Y, %I:%M %p"]),
        ("26. März 2025", []),
        ("Q1 2024", []),
        ("10:30", []),
        ("100%", []),
        ("", []),
    ],
)
def test_the_formats_of_a_text(text, formats):
    assert [f.format for f in formats_of(shape_of(text))] == formats


def test_only_numbers_that_could_be_either_have_an_order():
    assert [(f.order, f.marks) for f in formats_of("9/9/9999")] == [("day", "//"), ("month", "//")]
    assert [f.order for f in formats_of("9-B-9")] == ["", ""]
