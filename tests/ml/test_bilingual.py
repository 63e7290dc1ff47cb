"""Texts in both languages."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ml.bilingual import Text


def test_both_languages_are_needed() -> None:
    assert Text(zh="首付", en="down payment").model_dump() == {"zh": "首付", "en": "down payment"}
    for texts in ({"zh": "首付"}, {"zh": "", "en": "down payment"}, {"zh": "首付", "en": "x", "de": "x"}):
        with pytest.raises(ValidationError):
            Text.model_validate(texts)
