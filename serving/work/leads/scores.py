"""Scores of leads, asked from `/v1/lead_scoring/batch` and remembered until something of the lead changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from serving.work.leads.memory import memory_of
from serving.work.leads.requests import champion_fields, chunks, histories, iso, lead_request
from serving.work.leads.rows import all_leads
from serving.work.routing import WorkRequest

CHUNK = 500
NEAREST = 100  # leads with the nearest scores
LEAST_EVIDENCE = 30
DAY = 86_400_000_000
SLICE = 1_800_000_000  # a score is half an hour old at most
Z = 1.959964


@dataclass(frozen=True)
class Evidence:
    """Leads whose horizon is over, with their score at creation and what became of them.

    Attributes
    ----------
    rows : DataFrame
        `lead_id`, `store_id`, `created_at`, `probability`, `bought` (bool), in the order of the probability.
    """

    rows: pl.DataFrame

    def near(self, probability: float) -> dict[str, Any] | None:
        """Return how many of the leads with the nearest scores bought, with a 95 % interval; None with too few."""
        if self.rows.height < LEAST_EVIDENCE:
            return None
        scores = self.rows["probability"].to_numpy()
        distance = np.abs(np.log(scores / (1 - scores)) - math.log(probability / (1 - probability)))
        nearest = np.argsort(distance, kind="stable")[:NEAREST]
        bought = int(self.rows["bought"].to_numpy()[nearest].sum())
        low, high = wilson(bought, len(nearest))
        return {"leads": len(nearest), "bought": bought, "share": bought / len(nearest), "low": low, "high": high}


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by E. B. Wilson (1927), J. Am. Stat. Assoc. 22, 209-212.

    >>> [round(end, 3) for end in wilson(20, 100)]
    [0.133, 0.289]
    """
    share = successes / n
    centre, spread = share + Z**2 / (2 * n), Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return (centre - spread) / (1 + Z**2 / n), (centre + spread) / (1 + Z**2 / n)


def current_scores(request: WorkRequest, leads: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the present answers of `/v1/lead_scoring/batch`, with reasons, by lead.

    Parameters
    ----------
    request : WorkRequest
        On whose behalf the endpoint is asked.
    leads : DataFrame
        Rows of leads that the caller may see.
    """
    context = request.context
    version, fields = champion_fields(context)
    now = context.clock.now()
    state = (version, context.records.tables.state, now // SLICE)
    scores: dict[Any, dict[str, Any]] = memory_of(context).latest("scores", state, dict)
    rows = leads.rows(named=True)
    keys = {r["lead_id"]: (r["lead_id"], r["first_contact_at"], r["last_contact_at"]) for r in rows}
    missing = [row for row in rows if keys[row["lead_id"]] not in scores]
    if missing:
        history = histories(context, all_leads(context))
        bodies = [lead_request(row, history, fields, at=now) for row in missing]
        for row, answer in zip(missing, ask_scores(request, bodies, at=now), strict=True):
            scores[keys[row["lead_id"]]] = answer
    return {lead_id: scores[key] for lead_id, key in keys.items()}


def ask_scores(
    request: WorkRequest, bodies: Sequence[dict[str, Any]], *, at: int | None = None, explain: bool = True
) -> list[dict[str, Any]]:
    """Return the answers to requests for scores, in their order; `at` is put into those without `as_of`."""
    answers: list[dict[str, Any]] = []
    for part in chunks(bodies, CHUNK):
        items = [body if at is None or "created_at" not in body else {**body, "as_of": iso(at)} for body in part]
        query = f"explain={str(explain).lower()}"
        answer = request.ask("POST", "/v1/lead_scoring/batch", {"items": items}, query=query)
        answers += answer["items"] if "items" in answer else answer["results"]
    return answers


def evidence(request: WorkRequest, *, days: float, horizon_days: float) -> Evidence:
    """Return the leads of the caller's stores whose horizon is over, created within some days before it.

    Parameters
    ----------
    request : WorkRequest
        On whose behalf they are scored.
    days : float
        Length of the period.
    horizon_days : float
        Days within which a sale counts.
    """
    context = request.context
    version, fields = champion_fields(context)
    now = context.clock.now()
    stores = None if request.stores is None else tuple(sorted(request.stores))
    key = (version, context.records.tables.state, now // DAY, stores, days)
    return memory_of(context).latest("evidence", key, lambda: _evidence(request, fields, now, days, horizon_days))


def _evidence(request: WorkRequest, fields: dict[str, Any], now: int, days: float, horizon_days: float) -> Evidence:
    end = now - int(horizon_days * DAY)
    leads = all_leads(request.context)
    rows = leads.filter((pl.col("created_at") < end) & (pl.col("created_at") >= end - int(days * DAY)))
    if request.stores is not None:
        rows = rows.filter(pl.col("store_id").is_in(list(request.stores)))
    history = histories(request.context, leads)
    chosen = rows.rows(named=True)
    bodies = [
        {**lead_request(row, history, fields, at=row["created_at"], called=False), "as_of": iso(row["created_at"])}
        for row in chosen
    ]
    scores = ask_scores(request, bodies, explain=False) if "created_at" in fields else []
    probabilities = [s["conversion_probability"] for s in scores] or [None] * len(chosen)
    within = pl.col("converted_at") <= pl.col("created_at") + int(horizon_days * DAY)
    frame = rows.select("lead_id", "store_id", "created_at", bought=within.fill_null(value=False))
    frame = frame.with_columns(probability=pl.Series(probabilities, dtype=pl.Float64))
    return Evidence(frame.drop_nulls("probability").sort("probability", "lead_id"))
