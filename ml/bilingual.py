"""Texts in the two languages of the product, Chinese and English."""

from __future__ import annotations

from pydantic import Field

from features.yaml_config import Section


class Text(Section):
    """A text in Chinese (`zh`) and English (`en`), neither empty; an empty one raises `pydantic.ValidationError`.

    Examples
    --------
    >>> Text(zh="成本", en="cost").en
    'cost'
    """

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
