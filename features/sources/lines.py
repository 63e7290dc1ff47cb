"""Classification of free-text workshop lines by component, and into faults, routine work and labour.

The first pattern that matches a text decides its component; patterns of routine work come first, then those of
components, each in the order of the file. A text without a match gets the component of the most similar matched text,
by cosine similarity of TF-IDF vectors of character n-grams, which tolerates spelling mistakes.
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
BLOCK_TEXTS = 2_000  # texts compared in one matrix product, which bounds memory
CLASSES = {
    "text": pl.String, "component": pl.String, "fault": pl.Boolean, "kind": pl.String, "matched_by": pl.String,
}  # fmt: skip


class Similarity(Section):
    """Similarity that assigns a component to texts without a matching pattern.

    Attributes
    ----------
    at_least : float
        Smallest cosine similarity, above 0 and up to 1; texts below it get no component. 1 accepts equal texts only.
    characters : tuple of int
        Smallest and largest length of the character n-grams, from 1 to 10.
    """

    at_least: float = Field(0.6, gt=0, le=1, allow_inf_nan=False)
    characters: tuple[int, int] = (2, 4)

    @field_validator("characters")
    @classmethod
    def _in_order(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1] <= 10:
            raise ValueError("must be two whole numbers from 1 to 10, the smaller one first; the default is [2, 4]")
        return value


class LineRules(Section):
    """Contents of a rule file, as returned by `load_line_rules`.

    Patterns are regular expressions of Python; they match anywhere in a text, in upper or lower case.

    Attributes
    ----------
    labour : tuple of str
        Patterns of lines without a component, such as working hours and fees.
    routine : dict of str to tuple of str
        Component to patterns of routine work: not a fault, unless a pattern of `fault` also matches.
    components : dict of str to tuple of str
        Component to patterns of repairs: a fault, unless a pattern of `no_fault` matches.
    fault, no_fault : tuple of str
        Patterns that make a line a fault (broken, leaking), and patterns that make it routine work (checked, cleaned).
    similarity : Similarity or None
        Null leaves texts without a matching pattern unclassified.
    """

    labour: tuple[Pattern, ...] = ()
    routine: dict[str, Patterns] = Field(default_factory=dict)
    components: dict[str, Patterns] = Field(default_factory=dict)
    fault: tuple[Pattern, ...] = ()
    no_fault: tuple[Pattern, ...] = ()
    similarity: Similarity | None = Similarity()

    @model_validator(mode="after")
    def _valid_patterns(self) -> LineRules:
        if not self.routine and not self.components:
            raise ValueError("has no component; add patterns under `components` or `routine`")
        shared = sorted(set(self.routine) & set(self.components))
        if shared:
            raise ValueError(f"`{shared[0]}` is both under `routine` and under `components`; rename one of them")
        named = [("labour", self.labour), ("fault", self.fault), ("no_fault", self.no_fault)]
        named += [(f"routine.{name}", patterns) for name, patterns in self.routine.items()]
        named += [(f"components.{name}", patterns) for name, patterns in self.components.items()]
        for place, patterns in named:
            for pattern in patterns:
                if problem := _pattern_problem(pattern):
                    raise ValueError(f"{place}: pattern {pattern!r} {problem}")
        return self


class LineSource(Section):
    """The free-text column of a source, and the rule file that classifies it.

    Attributes
    ----------
    text : str
        Name of the source column.
    rules : str
        Path of a YAML file of `LineRules`, relative to sources.yaml.
    """

    text: str = Field(min_length=1)
    rules: FileName


@dataclass(frozen=True)
class ClassifiedLines:
    """Distinct texts of a table with their classes; in `features.sources.scans.Scan.lines`.

    Attributes
    ----------
    texts : DataFrame
        The columns that `classify` returns, and `lines`: the number of rows with this text.
    """

    texts: pl.DataFrame

    @property
    def note(self) -> str:
        """Numbers of lines by class, in one sentence."""
        total = int(self.texts["lines"].sum())

        def n_lines(condition: pl.Expr) -> int:
            return int(self.texts.filter(condition)["lines"].sum())

        matched = n_lines(pl.col("component").is_not_null())
        by_rule, by_similarity = (n_lines(pl.col("matched_by") == name) for name in ("rule", "similarity"))
        labour, unmapped = (n_lines(pl.col("kind") == kind) for kind in (LABOUR, UNMAPPED))
        return (
            f"{matched:,} of {total:,} lines ({matched / max(total, 1):.1%}) have a component ({by_rule:,} by rule, "
            f"{by_similarity:,} by similarity), {labour:,} are labour, {unmapped:,} are unmapped; "
            f"{n_lines(pl.col('fault')):,} lines are faults"
        )


def load_line_rules(path: Path) -> LineRules:
    """Read a YAML file of line rules, such as `configs/service_lines.yaml`; `classify` applies them.

    Parameters
    ----------
    path : Path
        Existing YAML file.

    Returns
    -------
    LineRules
        `labour`, `routine`, `components`, `fault`, `no_fault` (patterns) and `similarity`.

    Raises
    ------
    ConfigError
        The file is missing, is not YAML, has an unknown key or an invalid pattern, or has no component.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "lines.yaml")
    ...     _ = file.write_text("components: {brakes: [brake, disc]}")
    ...     rules = load_line_rules(file)
    >>> rules.components["brakes"]
    ('brake', 'disc')
    """
    return load_yaml(path, LineRules)


def classify(texts: pl.Series, rules: LineRules) -> pl.DataFrame:
    """Classify distinct texts.

    Parameters
    ----------
    texts : Series of str
        Distinct texts, without null.
    rules : LineRules
        As returned by ``features.sources.lines.load_line_rules(Path("configs/service_lines.yaml"))``.

    Returns
    -------
    DataFrame
        One row per text, in the order of `texts`: `text`, `component` (null for labour and unmapped texts), `fault`
        (Boolean), `kind` (labour, routine, fault or unmapped) and `matched_by` (rule or similarity; null without a
        component).

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources.lines import LineRules
    >>> rules = LineRules(labour=["labour"], routine={"oil": ["engine oil"]}, components={"brakes": ["brake"]})
    >>> classes = classify(pl.Series(["Engine oil", "BRAKE SHOE", "BRAK SHOE", "labour", "sticker"]), rules)
    >>> classes.select("component", "kind", "matched_by").rows()[2:]
    [('brakes', 'fault', 'similarity'), (None, 'labour', None), (None, 'unmapped', None)]
    """
    lower = [re.sub(r"\s+", " ", t.strip()).lower() for t in texts.to_list()]
    labour, fault, no_fault = (_any(p) for p in (rules.labour, rules.fault, rules.no_fault))
    named = [(n, _any(p), ROUTINE) for n, p in rules.routine.items()]
    named += [(n, _any(p), FAULT) for n, p in rules.components.items()]
    default_kinds = {name: kind for name, _, kind in named}
    components: list[str | None] = []
    matched_by: list[str | None] = []
    is_labour = [labour is not None and bool(labour.search(t)) for t in lower]
    for text, of_labour in zip(lower, is_labour, strict=True):
        first = None if of_labour else next((n for n, p, _ in named if p is not None and p.search(text)), None)
        components.append(first)
        matched_by.append("rule" if first else None)
    if rules.similarity is not None:
        _match_by_similarity(lower, components, matched_by, is_labour, rules.similarity)
    kinds = []
    for text, name, of_labour in zip(lower, components, is_labour, strict=True):
        kind = LABOUR if of_labour else UNMAPPED if name is None else default_kinds[name]
        if name is not None and fault is not None and fault.search(text):
            kind = FAULT
        elif kind == FAULT and no_fault is not None and no_fault.search(text):
            kind = ROUTINE
        kinds.append(kind)
    return pl.DataFrame(
        dict(zip(CLASSES, (texts, components, [k == FAULT for k in kinds], kinds, matched_by), strict=True)),
        schema=CLASSES,
    )


def _pattern_problem(pattern: str) -> str | None:
    """Return why a pattern cannot be combined with others in one expression."""
    try:
        compiled = re.compile(f"(?:{pattern})", re.IGNORECASE)
    except re.error as error:
        return f"is not a regular expression ({error}); correct it"
    if compiled.groupindex or re.search(r"\\[1-9]", pattern):
        return "has a named group or a back-reference, which fail in a combined expression; write it without"
    return "matches every text, even an empty one; require at least one character" if compiled.search("") else None


def _any(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE) if patterns else None


def _match_by_similarity(
    texts: list[str],
    components: list[str | None],
    matched_by: list[str | None],
    is_labour: list[bool],
    similarity: Similarity,
) -> None:
    """Assign each text without a component, in place, that of the most similar text matched by a pattern."""
    references = [i for i, c in enumerate(components) if c is not None]
    queries = [i for i, c in enumerate(components) if c is None and not is_labour[i] and texts[i]]
    if not references or not queries:
        return
    from sklearn.feature_extraction.text import TfidfVectorizer  # slow to import and rarely needed

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=similarity.characters, dtype=np.float32)
    reference_vectors = vectorizer.fit_transform([texts[i] for i in references]).T.tocsr()
    for begin in range(0, len(queries), BLOCK_TEXTS):
        block = queries[begin : begin + BLOCK_TEXTS]
        cosine = (vectorizer.transform([texts[i] for i in block]) @ reference_vectors).tocsr()
        for row, i in enumerate(block):
            values = cosine.data[cosine.indptr[row] : cosine.indptr[row + 1]]
            if len(values) and values.max() >= similarity.at_least:
                nearest = cosine.indices[cosine.indptr[row] + int(values.argmax())]
                components[i], matched_by[i] = components[references[nearest]], "similarity"
