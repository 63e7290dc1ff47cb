"""Texts for people, in the two languages of the product."""

from __future__ import annotations

from pydantic import Field

from features.yaml_config import Section


class Text(Section):
    """A text in Chinese and English."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
