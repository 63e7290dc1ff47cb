"""Count what champions answer: rows, missing and unseen features, and the distribution of probabilities and prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
from pydantic import BaseModel

from ml.endpoint import Endpoint
from serving.metrics import IMPLAUSIBLE, MISSING, PRICES, PROBABILITIES, UNSEEN

_HISTOGRAMS = {"probability": PROBABILITIES, "price": PRICES}


class AnswerCounter:
    """Counts the answers of one endpoint in the metrics, a batch at once.

    Parameters
    ----------
    task : str
        Task or named model of the endpoint: the label of its series.
    endpoint : Endpoint
        If it has a `distribution`, its answers are counted; otherwise nothing is.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ml.registry import TASKS
    >>> counter = AnswerCounter("credit_risk", TASKS["credit_risk"].endpoint)
    >>> row = SimpleNamespace(probability_of_default=0.04, missing=["bureau_score"], unseen=[], warnings=[])
    >>> before = MISSING.value("credit_risk", "bureau_score")
    >>> counter.add([row, row])
    >>> MISSING.value("credit_risk", "bureau_score") - before
    2.0
    """

    def __init__(self, task: str, endpoint: Endpoint[Any, Any, Any]) -> None:
        self._task = task
        self._is_counted = endpoint.distribution is not None
        if endpoint.distribution is not None:
            kind, field = endpoint.distribution
            self._histogram, self._number = _HISTOGRAMS[kind], attrgetter(field)

    def add(self, answers: Sequence[BaseModel]) -> None:
        """Count answers; called for each request or batch once."""
        if not self._is_counted:
            return
        task = self._task
        if len(answers) == 1:
            answer: Any = answers[0]
            self._histogram.observe(self._number(answer), task)
            for name in answer.missing:
                MISSING.add(1, task, name)
            for name in answer.unseen:
                UNSEEN.add(1, task, name)
            for warning in answer.warnings:
                IMPLAUSIBLE.add(1, task, warning.field)
        else:
            self._add_batch(answers)

    def _add_batch(self, answers: Sequence[BaseModel]) -> None:
        task = self._task
        self._histogram.observe_all(np.fromiter(map(self._number, answers), np.float64, len(answers)), task)
        warnings = chain.from_iterable(map(attrgetter("warnings"), answers))
        for family, names in (
            (MISSING, chain.from_iterable(map(attrgetter("missing"), answers))),
            (UNSEEN, chain.from_iterable(map(attrgetter("unseen"), answers))),
            (IMPLAUSIBLE, map(attrgetter("field"), warnings)),
        ):
            for name, count in Counter(names).items():
                family.add(count, task, name)
