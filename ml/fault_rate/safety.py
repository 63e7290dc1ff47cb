"""Safety rules: the components on which lives depend, and the words and codes of reports that wait for no figure.

The section `safety` of `configs/fault_alarms.yaml`. A report is listed at once, whatever the surveillance says, if its
component *and* its words or its fault code are of one of the kinds. For a safety component no alarm has a cost verdict:
all affected vehicles are inspected, in order of risk.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic import Field, field_validator, model_validator

from features.yaml_config import Section
from ml.bilingual import Text
from ml.fault_rate import safety_words

_FULL_WIDTH = re.compile("[０-９Ａ-Ｚａ-ｚ]")  # letters and digits of Chinese keyboards
CLAUSE_END = re.compile(r"[，。；：！？（）,.;:!?()\n]")


@lru_cache(maxsize=2_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _check_pattern(where: str, pattern: str) -> None:
    try:
        expression = _compiled(pattern)
    except re.error as error:
        raise ValueError(
            f"{where}: '{pattern}' is not a regular expression ({error}); correct it, or put \\ before signs such as ( "
            "that stand for themselves"
        ) from None
    if expression.search("") is not None:
        raise ValueError(f"{where}: '{pattern}' matches the empty text, and so every line; name at least one word")


class SafetyKind(Section):
    """One kind of dangerous fault, such as loss of braking.

    Attributes
    ----------
    name : str
        Lower-case name, used in files and answers.
    zh, en : str
        Name for people, in Chinese and English.
    components : tuple of str, optional
        Components of which a report can be of this kind, without regard to case; by default all, and lines without a
        component.
    words : tuple of str
        Regular expressions, one of which the line's text contains, without regard to case.
    codes : tuple of str
        Regular expressions, one of which the line's whole fault code matches, such as ``C12[0-9]+``.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    components: tuple[str, ...] | None = Field(None, min_length=1)
    words: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _usable(self) -> SafetyKind:
        if not self.words and not self.codes:
            raise ValueError(f"kind '{self.name}' has neither words nor codes; add one, or delete the kind")
        for key, patterns in {"words": self.words, "codes": self.codes}.items():
            for pattern in patterns:
                _check_pattern(f"kind '{self.name}', {key}", pattern)
        return self

    @property
    def title(self) -> Text:
        """Name of the kind for people."""
        return Text(zh=self.zh, en=self.en)

    def concerns(self, component: str | None) -> bool:
        """Return whether a report of this component can be of this kind; `component` is None where it is unknown."""
        if self.components is None:
            return True
        return component is not None and component.casefold() in {name.casefold() for name in self.components}


class SafetyRules(Section):
    """Safety components, kinds of dangerous reports and the workshop's capacity; without regard to case.

    Attributes
    ----------
    components : tuple of str
        Safety components: their alarms have no cost verdict, and all affected vehicles are inspected.
    capacity_per_week : int
        Vehicles that all workshops together inspect in a week.
    days : int
        Reports of the last so many days are listed; a report that is new or acknowledged is listed whatever its age.
    kinds : tuple of SafetyKind
        Kinds of dangerous reports, the gravest first: the first that matches names the report.
    exceptions : tuple of str
        Regular expressions of harmless phrases, such as "brake lights"; they are cut from the text before words are
        searched.
    negations : tuple of str
        Regular expressions: a match of `SafetyKind.words` does not count where one of them ends directly before it in
        its clause, such as "no signs of".
    negative_answers : tuple of str
        Regular expressions: a match does not count where one of them follows it directly, such as ": none".

    Examples
    --------
    >>> rules = SafetyRules()
    >>> rules.is_safety("brakes"), rules.is_safety("wipers"), rules.is_safety(None)
    (True, False, False)
    """

    components: tuple[str, ...] = safety_words.COMPONENTS
    capacity_per_week: int = Field(50, ge=1, le=1_000_000)
    days: int = Field(90, ge=1, le=3_650)
    kinds: tuple[SafetyKind, ...] = tuple(SafetyKind(**kind) for kind in safety_words.KINDS)
    exceptions: tuple[str, ...] = safety_words.EXCEPTIONS
    negations: tuple[str, ...] = safety_words.NEGATIONS
    negative_answers: tuple[str, ...] = safety_words.NEGATIVE_ANSWERS

    @field_validator("exceptions", "negations", "negative_answers")
    @classmethod
    def _valid_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            _check_pattern("this list", pattern)
        return patterns

    @field_validator("kinds")
    @classmethod
    def _unique_names(cls, kinds: tuple[SafetyKind, ...]) -> tuple[SafetyKind, ...]:
        names = [kind.name for kind in kinds]
        if repeated := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two kinds are named '{repeated[0]}'; rename one, or put their words together")
        return kinds

    def is_safety(self, component: str | None) -> bool:
        """Return whether lives depend on a component; `component` is None where it is unknown."""
        return component is not None and component.casefold() in {name.casefold() for name in self.components}

    def match(self, component: str | None, text: str | None, code: str | None = None) -> tuple[SafetyKind, str] | None:
        """Return the kind of a fault line, and the words or the code that match it.

        Parameters
        ----------
        component : str or None
            Component of the line; None where it is unknown.
        text : str or None
            Text of the line.
        code : str or None
            Fault code of the line.

        Returns
        -------
        tuple of (SafetyKind, str) or None
            None where no kind matches.

        Examples
        --------
        >>> rules = SafetyRules()
        >>> kind, words = rules.match("brakes", "高速行驶时制动失灵，更换制动总泵")
        >>> kind.name, words
        ('loss_of_braking', '制动失灵')
        >>> rules.match("brakes", "no loss of braking, pads replaced") is None
        True
        >>> rules.match("wipers", "制动失灵") is None
        True
        """
        text = _FULL_WIDTH.sub(lambda letter: chr(ord(letter.group()) - 0xFEE0), text or "")
        for pattern in self.exceptions:
            # A mark in place of the phrase: the words on its two sides are not one phrase.
            text = _compiled(pattern).sub("\0", text)
        for kind in self.kinds:
            if not kind.concerns(component):
                continue
            if code and any(_compiled(pattern).fullmatch(code.strip()) for pattern in kind.codes):
                return kind, code.strip()
            if text and (words := self._words(kind, text)):
                return kind, words
        return None

    def _words(self, kind: SafetyKind, text: str) -> str | None:
        """Return the first words of a kind in a text that are not negated."""
        for pattern in kind.words:
            for match in _compiled(pattern).finditer(text):
                if not self._is_negated(text, match.start(), match.end()):
                    return match.group()
        return None

    def _is_negated(self, text: str, start: int, end: int) -> bool:
        clause = CLAUSE_END.split(text[:start])[-1]
        return any(_compiled(f"(?:{pattern})$").search(clause) for pattern in self.negations) or any(
            _compiled(pattern).match(text, end) for pattern in self.negative_answers
        )
