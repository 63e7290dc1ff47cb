"""Words of the pages: one YAML file for each area, every text in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup, escape
from pydantic import RootModel

from features.errors import ConfigError
from features.yaml_config import load_yaml
from ml.bilingual import Text

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
FOLDER = Path(__file__).parent / "texts"
_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)(?:\|([^{}|]*)\|([^{}|]*))?\}")


class TextFile(RootModel[dict[str, Text]]):
    """Content of a file of texts: key to text."""


@dataclass(frozen=True)
class Catalogue:
    """Texts of all pages by key.

    A key is `<file>.<key in the file>`. A text has fields such as `{n}`; an integer is written with thousands
    separators, and `{n|lead|leads}` is the first word where n is 1 and the second word otherwise.

    Attributes
    ----------
    texts : mapping of str to Text
        Text by key.

    Examples
    --------
    >>> catalogue = Catalogue({"leads.title": Text(zh="{n} 条线索", en="{n} {n|lead|leads}")})
    >>> catalogue.text("leads.title", "en", n=1), catalogue.text("leads.title", "en", n=1200)
    ('1 lead', '1,200 leads')
    >>> catalogue.text("leads.title", "zh", n=1200)
    '1,200 条线索'
    """

    texts: Mapping[str, Text]

    def text(self, key: str, language: Language, **values: Any) -> str:
        """Return a text in a language, with values in its fields.

        Parameters
        ----------
        key : str
            Such as `leads.queue.title`.
        language : {'zh', 'en'}
            Language of the page.
        values : str, int, Markup or None
            One for each field of the text. With `Markup` among them, such as a link, the result is `Markup` and all
            else is escaped.

        Raises
        ------
        KeyError
            No such text, or a field has no value.
        TypeError
            A value is a float: how many digits it has is decided by the page, with a filter of `serving.desk.formats`.
        """
        if (entry := self.texts.get(key)) is None:
            raise KeyError(f"no text has the key `{key}`: add it to serving/desk/texts/{key.split('.')[0]}.yaml")
        pattern: str = getattr(entry, language)
        if any(hasattr(v, "__html__") for v in values.values()):
            return Markup(_FIELD.sub(_filler(key, values, escape), str(escape(pattern))))
        return _FIELD.sub(_filler(key, values, str), pattern)


def _filler(key: str, values: Mapping[str, Any], convert: Callable[[Any], str]) -> Callable[[re.Match[str]], str]:
    def fill(field: re.Match[str]) -> str:
        name, one, many = field.groups()
        if name not in values:
            raise KeyError(f"the text `{key}` needs a value for `{name}`, got {sorted(values)}")
        value = values[name]
        if one is not None:
            return str(one if value in (1, "1") else many)
        if isinstance(value, float):
            raise TypeError(
                f"the value `{name}` of the text `{key}` is a float: format it first, for example `|percent`"
            )
        return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(convert(value))

    return fill


def read_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Return the texts of all files of a folder.

    Parameters
    ----------
    folder : Path
        Folder of `<area>.yaml` files, by default those of the package.

    Raises
    ------
    ConfigError
        A text lacks a language, a key is not lower-case words with dots, or the two languages have different fields.

    Examples
    --------
    >>> read_catalogue().text("parts.table.next", "en")
    'Next'
    """
    texts: dict[str, Text] = {}
    for path in sorted(folder.glob("*.yaml")):
        for key, text in load_yaml(path, TextFile).root.items():
            if not _KEY.fullmatch(key):
                raise ConfigError(f"{path}: `{key}`: a key is lower-case words with dots, such as `queue.title`")
            zh, en = ({f[0] for f in _FIELD.findall(t)} for t in (text.zh, text.en))
            if zh != en:
                raise ConfigError(
                    f"{path}: `{key}`: the Chinese text has the fields {sorted(zh)}, the English one {sorted(en)}; "
                    "give both the same"
                )
            texts[f"{path.stem}.{key}"] = text
    return Catalogue(texts)


@cache
def catalogue() -> Catalogue:
    """Return the texts of the package, read once for each process."""
    return read_catalogue()
