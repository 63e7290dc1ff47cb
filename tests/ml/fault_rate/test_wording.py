"""Numbers, money and times in words."""

from __future__ import annotations

import pytest

from ml.fault_rate.wording import about, horizon, months, yuan


@pytest.mark.parametrize(
    ("number", "en", "zh"),
    [(0.0, "0", "0"), (0.4, "less than 1", "不到 1"), (0.96, "about 1", "约 1"), (1_234.4, "about 1,234", "约 1,234")],
)
def test_numbers(number: float, en: str, zh: str) -> None:
    assert (about(number).en, about(number).zh) == (en, zh)


@pytest.mark.parametrize(
    ("amount", "en"),
    [(999.6, "1,000 yuan"), (1_005.0, "1,000 yuan"), (-87_654.0, "-87,700 yuan"), (-0.2, "0 yuan"), (12.6, "13 yuan")],
)
def test_amounts_have_three_significant_digits(amount: float, en: str) -> None:
    assert yuan(amount).en == en and yuan(amount).zh == en.replace("yuan", "元")


def test_durations_and_horizons() -> None:
    assert [months(n).en for n in (0.2, 1.4, 23.4, 24.0)] == ["1 month", "1 month", "23 months", "2 years"]
    assert horizon(0.25).en == "the next 3 months" and horizon(2.5).zh == "未来 2.5 年"
