"""Scores of leads, asked from `/v1/lead_scoring/batch` and remembered until something of the lead changes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl

from serving.asgi import Problem
from serving.work.leads.memory import memory_of
from serving.work.leads.requests import champion_fields, chunks, complete_leads, histories, iso, lead_request
from serving.work.leads.rows import all_leads
from serving.work.routing import WorkRequest

CHUNK = 50  # a computation that ends early loses no more than this
FIRST_SECONDS, REFRESH_SECONDS, EVIDENCE_SECONDS = 2.0, 0.05, 0.5  # of one request
MAX_ITEMS = 500  # of one batch
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

    A score is half an hour old at most, or as old as it takes to score all leads again a few with each request.

    Parameters
    ----------
    request : WorkRequest
        On whose behalf the endpoint is asked.
    leads : DataFrame
        Rows of leads that the caller may see.

    Raises
    ------
    Problem
        Status 503 (`records_loading`): there are many new leads, and the next request finds more of them scored.
    """
    context = request.context
    version, fields = champion_fields(context)
    now = context.clock.now()
    scores: dict[Any, tuple[int, dict[str, Any]]]
    scores = memory_of(context).latest("scores", (version, context.records.tables.state), dict)
    rows = leads.rows(named=True)
    keys = {r["lead_id"]: (r["lead_id"], r["first_contact_at"], r["last_contact_at"]) for r in rows}
    missing = [row for row in rows if keys[row["lead_id"]] not in scores]
    names = {row["lead_id"] for row in missing}
    stale = [row for row in rows if row["lead_id"] not in names and scores[keys[row["lead_id"]]][0] != now // SLICE]
    for chosen, seconds in ((missing, FIRST_SECONDS), (stale, REFRESH_SECONDS)):
        if not chosen:
            continue
        history = histories(context, all_leads(context))
        started = time.perf_counter()
        for part in chunks(chosen, CHUNK):
            if time.perf_counter() - started > seconds:
                break
            bodies = [lead_request(row, history, fields, at=now) for row in part]
            for row, answer in zip(part, ask_scores(request, bodies, at=now), strict=True):
                scores[keys[row["lead_id"]]] = (now // SLICE, answer)
    if any(key not in scores for key in keys.values()):
        raise _not_scored()
    return {lead_id: scores[key][1] for lead_id, key in keys.items()}


def _not_scored() -> Problem:
    text = "the leads are being scored; try again in a few seconds"
    return Problem(503, "records_loading", text, headers=[(b"retry-after", b"2")])


def ask_scores(
    request: WorkRequest, bodies: Sequence[dict[str, Any]], *, at: int | None = None, explain: bool = True
) -> list[dict[str, Any]]:
    """Return the answers to requests for scores, in their order; `at` is put into those without `as_of`."""
    answers: list[dict[str, Any]] = []
    for part in chunks(bodies, MAX_ITEMS):
        items = [body if at is None or "created_at" not in body else {**body, "as_of": iso(at)} for body in part]
        query = f"explain={str(explain).lower()}"
        answer = request.ask("POST", "/v1/lead_scoring/batch", {"items": items}, query=query)
        answers += answer["items"]
    return answers


def evidence(request: WorkRequest, *, days: float, horizon_days: float, complete: bool = False) -> Evidence:
    """Return the leads of the caller's stores whose horizon is over, created within some days before it.

    Parameters
    ----------
    request : WorkRequest
        On whose behalf they are scored.
    days : float
        Length of the period.
    horizon_days : float
        Days within which a sale counts.
    complete : bool
        Whether all of them are needed; otherwise those that were scored by now, in an order of chance.

    Raises
    ------
    Problem
        Status 503 (`records_loading`): not all are scored yet; the next request finds more.
    """
    context = request.context
    version, fields = champion_fields(context)
    scores: dict[str, float] = memory_of(context).latest("first scores", (version, context.records.tables.state), dict)
    end = context.clock.now() - int(horizon_days * DAY)
    leads = all_leads(context)
    rows = leads.filter((pl.col("created_at") < end) & (pl.col("created_at") >= end - int(days * DAY)))
    rows = complete_leads(rows, fields)
    if request.stores is not None:
        rows = rows.filter(pl.col("store_id").is_in(list(request.stores)))
    missing = [r for r in rows.rows(named=True) if r["lead_id"] not in scores] if "created_at" in fields else []
    missing.sort(key=lambda r: sha256(r["lead_id"].encode()).digest())
    started = time.perf_counter()
    for part in chunks(missing, 2 * CHUNK):
        if time.perf_counter() - started > EVIDENCE_SECONDS:
            break
        history = histories(context, leads)
        bodies = [
            {**lead_request(r, history, fields, at=r["created_at"], called=False), "as_of": iso(r["created_at"])}
            for r in part
        ]
        for row, answer in zip(part, ask_scores(request, bodies, explain=False), strict=True):
            scores[row["lead_id"]] = answer["conversion_probability"]
    if complete and any(r["lead_id"] not in scores for r in missing):
        raise _not_scored()
    within = pl.col("converted_at") <= pl.col("created_at") + int(horizon_days * DAY)
    frame = rows.select("lead_id", "store_id", "created_at", bought=within.fill_null(value=False))
    probability = [scores.get(name) for name in frame["lead_id"].to_list()]
    frame = frame.with_columns(probability=pl.Series(probability, dtype=pl.Float64))
    return Evidence(frame.drop_nulls("probability").sort("probability", "lead_id"))
