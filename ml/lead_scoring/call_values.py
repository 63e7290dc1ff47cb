"""Probability of a sale and expected gain of calling each lead, by hours from now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.aggregations import HOUR
from ml.domain.arrays import FloatArray
from ml.domain.leads.call_queue import call_order
from ml.lead_scoring.answer import LeadScoringAnswer
from ml.lead_scoring.estimator import LeadScoringEstimator


class CallValues:
    """Value of a call to each lead of a queue, by the hours from `as_of` to the call.

    Parameters
    ----------
    estimator : LeadScoringEstimator
        Fitted: ``ml.champions.load(ml.champions.version_or_champion("lead_scoring")).estimator``.
    scores : sequence of LeadScoringAnswer
        As returned by `ml.lead_scoring.answer.answers` for the leads.
    rows : DataFrame
        Features of the leads: `rows` of `ml.lead_scoring.request.read_requests`.
    as_of, created : sequence of int
        Microseconds since 1970 UTC, for each lead.

    Attributes
    ----------
    probability : ndarray of shape (n_leads,)
        Probability of a sale at `as_of`, over the calls that such leads get.
    has_margins : bool
        Whether gains are in yuan; otherwise they are numbers of sales.
    margin : ndarray of shape (n_leads,)
        Yuan per sale; 1 without margins.
    waited : ndarray of shape (n_leads,)
        Hours from the lead to `as_of`.
    """

    def __init__(
        self,
        estimator: LeadScoringEstimator,
        scores: Sequence[LeadScoringAnswer],
        rows: pl.DataFrame,
        *,
        as_of: Sequence[int],
        created: Sequence[int],
    ) -> None:
        self.curve = estimator.response_
        self.probability = np.array([s.conversion_probability for s in scores])
        margin = estimator.margins(rows)
        self.has_margins = bool(np.isfinite(margin).all())
        self.margin = margin if self.has_margins else np.ones(len(scores))
        self.waited = (np.array(as_of) - np.array(created)) / HOUR
        names = rows["channel"].to_list() if "channel" in rows.columns else [None] * len(scores)
        self.channel: list[str | None] = names
        self._mean_factors = [
            1.0 if self.curve is None else self.curve.mean_factor(c, float(w))
            for c, w in zip(names, self.waited, strict=True)
        ]

    def probabilities(self, i: int, hours: FloatArray) -> FloatArray:
        """Return the probability of a sale if lead `i` is called in `hours` from now (infinite: not called)."""
        if self.curve is None:
            return np.where(np.isfinite(hours), self.probability[i], 0.0)
        factor = self.curve.factor(self.channel[i], self.waited[i] + hours)
        return np.asarray(np.minimum(self.probability[i] * factor / self._mean_factors[i], 1.0))

    def gains(self, i: int, hours: FloatArray) -> FloatArray:
        """Return the expected gain of a call to lead `i` in `hours` from now over no call, in yuan or sales."""
        without_call = self.probabilities(i, np.array([np.inf]))[0]
        return np.asarray(self.margin[i] * (self.probabilities(i, hours) - without_call))

    def gain(self, i: int, hours: float) -> float:
        """Return the expected gain of a call to lead `i` in `hours` from now over no call, in yuan or sales."""
        return float(self.gains(i, np.array([hours]))[0])

    def best_order(self, waiting: Sequence[int], slots: FloatArray) -> list[int]:
        """Return the leads in the order of their slots (hours from now), with the highest total gain."""
        if not waiting or not len(slots):
            return []
        if self.curve is None:  # the gain does not depend on the slot
            return sorted(waiting, key=lambda i: (-self.margin[i] * self.probability[i], i))[: len(slots)]
        gain = np.array([self.gains(i, slots) for i in waiting])
        return [waiting[k] for k in call_order(gain)]

    def total(self, order: Sequence[int], slots: FloatArray) -> float:
        """Return the total gain of calling the leads in this order, one for each slot."""
        return float(sum(self.gain(i, s) for i, s in zip(order, slots.tolist(), strict=False)))

    def dearer(self, order: Sequence[int], slots: FloatArray) -> list[int]:
        """Return, for each place of an order, how many leads before it would lose more by changing places with it.

        In the best order none of them would lose less: the change would then raise the total. Two leads change places
        at a loss if the earlier one loses more between their two times than the later one wins.

        Parameters
        ----------
        order : sequence of int
            Positions of the leads in the order of their calls.
        slots : ndarray of shape (n_calls,)
            Hours from now to each call.

        Returns
        -------
        list of int
            From 0 to the number of places before; 0 for leads whose gain does not depend on the time.
        """
        if not order:
            return []
        gain = np.array([self.gains(i, slots[: len(order)]) for i in order])
        loss = np.diag(gain)[:, None] - gain  # of each lead, by moving from its place to another
        return [int(n) for n in np.triu(loss + loss.T > EQUAL, k=1).sum(axis=0)]


EQUAL = 1e-9  # smaller differences of gains (yuan or sales) come from rounding
