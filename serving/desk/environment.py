"""The templates' environment of one language: texts, filters and charts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import missing

from serving.desk import charts, formats
from serving.desk.catalogue import Catalogue, Language, catalogue

TEMPLATES = Path(__file__).parent / "templates"


class FieldUndefined(StrictUndefined):
    """A value that does not exist: an error as a name; a missing field of a mapping may be tested, but not written."""

    def __bool__(self) -> bool:  # type: ignore[override]
        """Return False for a missing field; an unknown name raises `UndefinedError`."""
        return super().__bool__() if self._undefined_obj is missing else False


def build_environment(
    language: Language,
    now: Callable[[], datetime],
    *,
    texts: Catalogue | None = None,
    folders: tuple[Path, ...] = (),
) -> Environment:
    """Return an environment whose templates write one language.

    A template has `t(key, **values)`, `lang`, `charts` (classes of `serving.desk.charts`) and the filters of
    `filters`, in macros too, because language and clock belong to the environment and not to a page.

    Parameters
    ----------
    language : {'zh', 'en'}
        Language of the pages.
    now : callable
        ``() -> datetime``: present instant in the dealership's time zone.
    texts : Catalogue, optional
        By default the texts of the package.
    folders : tuple of Path
        Further folders with templates, searched first.

    Examples
    --------
    >>> environment = build_environment("en", lambda: datetime.fromisoformat("2025-06-30T10:30:00+08:00"))
    >>> environment.from_string("{{ 0.31|percent }}, {{ '2025-06-30'|date }}").render()
    '31%, 30 June'
    """
    loader = ChoiceLoader([FileSystemLoader(folder) for folder in (*folders, TEMPLATES)])
    environment = Environment(
        loader=loader, autoescape=True, undefined=FieldUndefined, trim_blocks=True, lstrip_blocks=True,
        auto_reload=False, cache_size=-1,
    )  # fmt: skip
    words = texts or catalogue()

    def text(key: str, **values: Any) -> str:
        return words.text(key, language, **values)

    environment.globals.update(t=text, lang=language, charts=charts)
    environment.filters.update(filters(language, now))
    return environment


def filters(language: Language, now: Callable[[], datetime]) -> dict[str, Callable[..., str]]:
    """Return the filters of a language by name; see the functions of `serving.desk.formats`.

    Examples
    --------
    >>> filters("zh", datetime.now)["money_wan"](61_200_000)
    '6,120 万元'
    """

    def with_clock(function: Callable[..., str]) -> Callable[..., str]:
        return lambda value, **options: function(value, language, now(), **options)

    in_words = {
        "money": formats.format_money, "money_wan": formats.format_money_wan, "points": formats.format_points,
        "month": formats.format_month, "duration": formats.format_duration, "months": formats.format_months,
        "in_language": formats.in_language,
    }  # fmt: skip
    by_clock = {
        "date": formats.format_date, "moment": formats.format_moment, "day_time": formats.format_day_time,
        "age": formats.format_age,
    }  # fmt: skip
    return {
        "number": formats.format_number, "signed": formats.format_signed, "percent": formats.format_percent,
        "masked_name": formats.mask_name, "masked_phone": formats.mask_phone,
        "interval": lambda ends, kind="percent", digits=None: formats.format_interval(ends, language, kind, digits),
        **{name: partial(_last, function, language) for name, function in in_words.items()},
        **{name: with_clock(function) for name, function in by_clock.items()},
    }  # fmt: skip


def _last(function: Callable[..., str], language: Language, value: Any, *args: Any, **options: Any) -> str:
    return function(value, language, *args, **options)
