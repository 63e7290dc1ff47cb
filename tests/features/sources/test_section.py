"""A part of a configuration of sources."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from features.sources.section import Section


class Column(Section):
    """One part."""

    source: str = Field("x", alias="from")


def test_a_part_is_frozen_refuses_unknown_keys_and_takes_a_key_by_both_its_names() -> None:
    assert Column(**{"from": "a"}) == Column(source="a")
    with pytest.raises(ValidationError, match="frozen"):
        Column().source = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Column(form="a")  # type: ignore[call-arg]
