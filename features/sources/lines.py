"""Free text of workshop lines: which component a line speaks of, and whether it is a fault, routine work or labour.

Rules come first: the first pattern that occurs in a text, in the order of the file, names its component, routine work
before components that fail. A text without one goes where the most similar text with one went: their cosine over
character n-grams, weighed by how rare these are (TF-IDF), so that a slip of the pen changes little.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from features.yaml_config import Section, load_yaml

Pattern = Annotated[str, StringConstraints(min_length=1)]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1)]


def _beside_the_yaml(name: str, info: ValidationInfo) -> str:
    folder = (info.context or {}).get("folder")
    return str(folder / Path(name).expanduser()) if folder else name


FileName = Annotated[str, StringConstraints(min_length=1), AfterValidator(_beside_the_yaml)]  # relative to the YAML
LABOUR, ROUTINE, FAULT, UNMAPPED = "labour", "routine", "fault", "unmapped"
BLOCK = 2_000  # texts compared at once
CLASSIFIED = {"text": pl.String, "component": pl.String, "fault": pl.Boolean, "kind": pl.String, "how": pl.String}


class Similarity(Section):
    """How texts without a pattern are compared.

    Attributes
    ----------
    at_least : float
        Cosine below which a text stays without a component; 1 maps equal texts alone.
    characters : tuple of int
        Fewest and most characters of an n-gram.
    """

    at_least: float = Field(0.6, gt=0, le=1, allow_inf_nan=False)
    characters: tuple[int, int] = (2, 4)

    @field_validator("characters")
    @classmethod
    def _in_order(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1] <= 10:
            raise ValueError("characters must be two numbers from 1 to 10, the smaller one first")
        return value


class LineRules(Section):
    """A file of rules. Patterns are regular expressions that may occur anywhere; capitals do not matter.

    Attributes
    ----------
    labour : tuple of str
        Lines that name no component: working hours, fees.
    routine : mapping of str to tuple of str
        Regular work: not a fault, unless a word of `fault` occurs too.
    components : mapping of str to tuple of str
        What fails: a fault, unless a word of `no_fault` occurs.
    fault, no_fault : tuple of str
        Words that make a fault of a line, and that make none of it (checked, cleaned, topped up).
    similarity : Similarity or None
        None compares nothing.
    """

    labour: tuple[Pattern, ...] = ()
    routine: dict[str, Patterns] = Field(default_factory=dict)
    components: dict[str, Patterns] = Field(default_factory=dict)
    fault: tuple[Pattern, ...] = ()
    no_fault: tuple[Pattern, ...] = ()
    similarity: Similarity | None = Similarity()

    @model_validator(mode="after")
    def _sound(self) -> LineRules:
        if not self.routine and not self.components:
            raise ValueError("give patterns for one component or more under `components` or `routine`")
        both = sorted(set(self.routine) & set(self.components))
        if both:
            raise ValueError(f"`{both[0]}` is under `routine` and under `components`: give it two names")
        named = [("labour", self.labour), ("fault", self.fault), ("no_fault", self.no_fault)]
        named += [(f"routine.{name}", patterns) for name, patterns in self.routine.items()]
        named += [(f"components.{name}", patterns) for name, patterns in self.components.items()]
        for place, patterns in named:
            for pattern in patterns:
                if fault := _fault_of(pattern):
                    raise ValueError(f"{place}: {pattern!r} {fault}")
        return self


class LineSource(Section):
    """Which column of a source holds the text, and the rules that read it.

    Attributes
    ----------
    text : str
        Source column.
    rules : str
        File of `LineRules`, beside the sources.
    """

    text: str = Field(min_length=1)
    rules: FileName


@dataclass(frozen=True)
class Mapped:
    """What became of the lines of a table.

    Attributes
    ----------
    texts : DataFrame
        `text`, `component`, `fault`, `kind`, `how` (rule, similarity or null), `lines` (how many).
    """

    texts: pl.DataFrame

    @property
    def note(self) -> str:
        """In one line."""
        total = int(self.texts["lines"].sum())

        def of(condition: pl.Expr) -> int:
            return int(self.texts.filter(condition)["lines"].sum())

        named = of(pl.col("component").is_not_null())
        by_rule, alike = of(pl.col("how") == "rule"), of(pl.col("how") == "similarity")
        return (
            f"lines: {named:,} of {total:,} ({named / max(total, 1):.1%}) name a component: {by_rule:,} by rule, "
            f"{alike:,} by similarity; {of(pl.col('kind') == LABOUR):,} are labour, {of(pl.col('kind') == UNMAPPED):,} "
            f"are not mapped; {of(pl.col('fault')):,} are faults"
        )


def load_line_rules(path: Path) -> LineRules:
    """Read a file of rules.

    Raises
    ------
    ConfigError
        Names the file, the key, the rule and the value received.
    """
    return load_yaml(path, LineRules)


def classify(texts: pl.Series, rules: LineRules) -> pl.DataFrame:
    """What distinct texts speak of.

    Parameters
    ----------
    texts : Series of str
        Each once.
    rules : LineRules
        See there.

    Returns
    -------
    DataFrame
        `text`, `component` (null for labour and what is not mapped), `fault`, `kind` (labour, routine, fault, unmapped)
        and `how` (rule, similarity; null where not mapped or labour).

    Examples
    --------
    >>> rules = LineRules(labour=["labour"], routine={"oil": ["engine oil"]}, components={"brakes": ["brake"]})
    >>> found = classify(pl.Series(["Engine oil", "BRAKE SHOE", "BRAK SHOE", "labour", "sticker"]), rules)
    >>> found.select("component", "kind", "how").rows()[2:]
    [('brakes', 'fault', 'similarity'), (None, 'labour', None), (None, 'unmapped', None)]
    """
    lower = [re.sub(r"\s+", " ", t.strip()).lower() for t in texts.to_list()]
    labour, fault, no_fault = (_any(p) for p in (rules.labour, rules.fault, rules.no_fault))
    named = [(n, _any(p), ROUTINE) for n, p in rules.routine.items()]
    named += [(n, _any(p), FAULT) for n, p in rules.components.items()]
    usual = {name: kind for name, _, kind in named}
    component: list[str | None] = []
    how: list[str | None] = []
    hired_lines = [labour is not None and bool(labour.search(t)) for t in lower]
    for text, hired in zip(lower, hired_lines, strict=True):
        found = None if hired else next((n for n, p, _ in named if p is not None and p.search(text)), None)
        component.append(found)
        how.append("rule" if found else None)
    if rules.similarity is not None:
        _by_similarity(lower, component, how, hired_lines, rules.similarity)
    kinds = []
    for text, name, hired in zip(lower, component, hired_lines, strict=True):
        kind = LABOUR if hired else UNMAPPED if name is None else usual[name]
        if name is not None and fault is not None and fault.search(text):
            kind = FAULT
        elif kind == FAULT and no_fault is not None and no_fault.search(text):
            kind = ROUTINE
        kinds.append(kind)
    return pl.DataFrame(
        {"text": texts, "component": component, "fault": [k == FAULT for k in kinds], "kind": kinds, "how": how},
        schema=CLASSIFIED,
    )


def _fault_of(pattern: str) -> str | None:
    """What is wrong with a pattern, which is to stand beside others in one expression."""
    try:
        compiled = re.compile(f"(?:{pattern})", re.IGNORECASE)
    except re.error as error:
        return f"is no regular expression ({error})"
    if compiled.groupindex or re.search(r"\\[1-9]", pattern):
        return "names a group, or refers to one: groups are counted across all patterns; write it without"
    return "occurs in every text: write out what must be there" if compiled.search("") else None


def _any(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE) if patterns else None


def _by_similarity(
    texts: list[str], component: list[str | None], how: list[str | None], hired: list[bool], rule: Similarity
) -> None:
    """Fill in the component of the most similar text that a pattern has mapped."""
    known = [i for i, c in enumerate(component) if c is not None]
    asked = [i for i, c in enumerate(component) if c is None and not hired[i] and texts[i]]
    if not known or not asked:
        return
    from sklearn.feature_extraction.text import TfidfVectorizer  # slow to import, and few sources need it

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=rule.characters, dtype=np.float32)
    there = vectorizer.fit_transform([texts[i] for i in known]).T.tocsr()
    for begin in range(0, len(asked), BLOCK):
        block = asked[begin : begin + BLOCK]
        cosine = (vectorizer.transform([texts[i] for i in block]) @ there).tocsr()
        for row, i in enumerate(block):
            values = cosine.data[cosine.indptr[row] : cosine.indptr[row + 1]]
            if len(values) and values.max() >= rule.at_least:
                nearest = cosine.indices[cosine.indptr[row] + int(values.argmax())]
                component[i], how[i] = component[known[nearest]], "similarity"
