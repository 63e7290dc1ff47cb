"""Overrides: each reason code has its texts, and the entry names what it replaces."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from serving.decisions.entries import Entry
from serving.decisions.explanation import OVERRIDE_REASONS
from serving.decisions.overrides import CODES_AGAINST, OverrideRequest, ReasonCode, override_entry, override_text

DECISION = Entry(4, 1, "decision", "d1", '{"outcome":"decline","store_id":"S1"}', None, "", "")


def test_every_code_has_texts() -> None:
    assert set(get_args(ReasonCode)) == set(OVERRIDE_REASONS)


def test_a_reason_is_required() -> None:
    with pytest.raises(ValidationError, match="the customer is told why"):
        OverrideRequest(outcome="approve", note="only internal")


@pytest.mark.parametrize(("outcome", "code"), [(o, c) for o, codes in CODES_AGAINST.items() for c in codes])
def test_a_reason_does_not_contradict_the_outcome(outcome, code) -> None:
    assert OverrideRequest(outcome="refer", reason_code=code).reason_code == code
    with pytest.raises(ValidationError, match=f"{code} is no reason to {outcome}"):
        OverrideRequest(outcome=outcome, reason_code=code)


def test_an_entry_and_its_text() -> None:
    request = OverrideRequest(outcome="approve", reason_code="GUARANTOR")
    new = override_entry(request, DECISION, caller=None, request_id="r", can_encrypt=False)
    assert (new.kind, new.decision_id, new.personal) == ("override", "d1", None)
    entry = Entry(5, 9, "override", "d1", new.content, None, "", "")
    assert override_text(entry, None) == (9, "approve", *OVERRIDE_REASONS["GUARANTOR"])
