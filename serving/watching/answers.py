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
from serving.metrics import IMPLAUSIBLE, MISSING, PRICES, PROBABILITIES, SCORED_ROWS, UNSEEN

_LISTS = (("missing", MISSING), ("unseen", UNSEEN))
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
    >>> before = SCORED_ROWS.value("credit_risk"), MISSING.value("credit_risk", "bureau_score")
    >>> counter.add([row, row])
    >>> SCORED_ROWS.value("credit_risk") - before[0], MISSING.value("credit_risk", "bureau_score") - before[1]
    (2.0, 2.0)
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
        task, answer = self._task, answers[0]
        SCORED_ROWS.add(len(answers), task)
        if len(answers) == 1:
            self._histogram.observe(self._number(answer), task)
        else:
            self._histogram.observe_all(np.fromiter(map(self._number, answers), np.float64, len(answers)), task)
        for field, family in _LISTS:
            for name, count in Counter(chain.from_iterable(map(attrgetter(field), answers))).items():
                family.add(count, task, name)
        for warning in chain.from_iterable(a.warnings for a in answers):  # type: ignore[attr-defined]  # rare
            IMPLAUSIBLE.add(1, task, warning.field)
