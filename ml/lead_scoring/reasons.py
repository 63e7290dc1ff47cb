"""Reasons for a lead's score relative to the average lead: groups of features, and the strongest of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.bilingual import Text
from ml.domain.arrays import FloatArray
from ml.lead_scoring.rows import FIELDS_EMPTY

MAX_REASONS = 3  # of each sign
MIN_LOG_ODDS = 0.02  # weaker reasons are not shown
OTHER = "OTHER"
FACT_END = "："  # in the Chinese text: what follows says what to do

# code: features (* at the end of a name matches any ending)
REASONS: dict[str, tuple[str, ...]] = {
    "RECENT_ACTIVITY": (
        "events_*", "views_*", "dwell_seconds_*", "sessions_90d", "days_since_visit", "recent_share", "last_event_*",
    ),
    "COMPARING": ("compares_*", "vehicles_90d", "models_90d", "searches_*", "favourites_*"),
    "PRICE_LIST": ("price_lists_*", "price_list_share", "finance_quotes_*"),
    "TEST_DRIVE": ("test_drive_requests_*",),
    "CONTACT": ("chats_*", "days_since_contact"),
    "WAITING": ("lead_age_days", "days_since_first_call"),
    "SOURCE": ("channel", "campaign", "rate of channel", "rate of campaign", "rate of store_id*"),
    "VEHICLE": ("model", "rate of model"),
    "PRICE": ("price", "budget", "budget_low", "budget_high", "price_to_*"),
    "DISTANCE": ("distance_km",),
    "HISTORY": ("purchases*", "days_since_purchase", "other_leads*", "days_since_other_lead"),
    "FORM": (FIELDS_EMPTY,),
    OTHER: ("created_hour", "created_weekday", "acquisition_cost"),  # nobody can act on them: never shown
}  # fmt: skip


@dataclass(frozen=True)
class ReasonMap:
    """Assignment of features to reasons, as returned by `build_reason_map`.

    Attributes
    ----------
    codes : tuple of str
        Codes of the reasons.
    member : ndarray of int, shape (n_features,)
        Position in `codes` of each feature's reason.
    features : tuple of str
        For each code, its first feature without "rate of": the name of a column for reasons of one column.
    overrides : mapping of str to (Text, Text)
        Texts of the dealership by code: if the reason raises the probability of a sale, and if it lowers it.
    """

    codes: tuple[str, ...]
    member: NDArray[np.intp]
    features: tuple[str, ...]
    overrides: Mapping[str, tuple[Text, Text]]


def build_reason_map(
    features: Sequence[str], overrides: Mapping[str, tuple[Sequence[str], str, str, str, str]]
) -> ReasonMap:
    """Assign every feature to a reason; a feature that no reason lists becomes a reason of its own.

    Parameters
    ----------
    features : sequence of str
        Names of the features.
    overrides : mapping
        Reasons of the dealership, which take precedence: code to (features, zh text and en text if they raise the
        probability of a sale, zh text and en text if they lower it). `*` at the end of a feature matches any ending.

    Returns
    -------
    ReasonMap
        Codes, texts of the dealership and the reason of each feature, for `strongest`.

    Examples
    --------
    >>> reason_map = build_reason_map(["views_7d", "events_30d", "age"], {})
    >>> reason_map.codes, reason_map.member.tolist()
    (('RECENT_ACTIVITY', 'AGE'), [0, 0, 1])
    """
    groups = {**{code: names for code, (names, *_) in overrides.items()}}
    codes: list[str] = []
    first: list[str] = []
    member = []
    for feature in features:
        name = feature.removeprefix("rate of ")
        code = _code(feature, groups) or _code(feature, REASONS)
        code = code or "".join(c if c.isalnum() else "_" for c in name).upper()
        if code not in codes:
            codes.append(code)
            first.append(name)
        member.append(codes.index(code))
    texts = {
        code: (Text(zh=zh_up, en=en_up), Text(zh=zh_down, en=en_down))
        for code, (_, zh_up, en_up, zh_down, en_down) in overrides.items()
    }
    return ReasonMap(tuple(codes), np.array(member, dtype=np.intp), tuple(first), texts)


def _code(feature: str, groups: Mapping[str, Sequence[str]]) -> str | None:
    for code, names in groups.items():
        if any(feature == n or (n.endswith("*") and feature.startswith(n[:-1])) for n in names):
            return code
    return None


@dataclass(frozen=True)
class Reason:
    """A reason for a score: code, text, and its contribution to the log-odds of a sale."""

    code: str
    text: Text
    log_odds: float


def strongest(
    contributions: FloatArray, reason_map: ReasonMap, text: Callable[[str, str, bool], Text | None]
) -> tuple[list[Reason], list[Reason], float]:
    """Return the strongest reasons that raise and that lower the log-odds of a sale, at most three each, and the rest.

    Parameters
    ----------
    contributions : ndarray of shape (n_features,)
        Contributions of the features to the log-odds of one lead: a row of ``LeadScoringEstimator.contributions(X)``.
    reason_map : ReasonMap
        As returned by `ml.lead_scoring.reasons.build_reason_map`, or `reason_map_` of a fitted `LeadScoringEstimator`.
    text : callable
        ``(code, feature, raises) -> Text``: what to tell the desk, or None if there is nothing that helps; such a
        reason is not listed, nor is one with the fact of a stronger one.

    Returns
    -------
    raising, lowering : list of Reason
        The strongest first.
    other : float
        Sum of the contributions that are not listed.

    Examples
    --------
    >>> import numpy as np
    >>> tell = lambda code, feature, raises: None if code == "AGE" else Text(zh="多次浏览", en="many views")
    >>> reason_map = build_reason_map(["views_7d", "events_30d", "age"], {})
    >>> raising, lowering, other = strongest(np.array([0.5, 0.4, -0.3]), reason_map, tell)
    >>> [(r.code, r.log_odds) for r in raising], lowering, round(other, 4)
    ([('RECENT_ACTIVITY', 0.9)], [], -0.3)
    """
    sums = np.bincount(reason_map.member, weights=contributions, minlength=len(reason_map.codes))
    listed: tuple[list[Reason], list[Reason]] = ([], [])
    for k in np.argsort(-np.abs(sums), kind="stable").tolist():
        value, code = float(sums[k]), reason_map.codes[k]
        if abs(value) <= MIN_LOG_ODDS:
            break
        side = listed[0 if value > 0 else 1]
        if code == OTHER or len(side) == MAX_REASONS:
            continue
        own = reason_map.overrides.get(code)
        sentence = own[value < 0] if own else text(code, reason_map.features[k], value > 0)
        facts = {r.text.zh.partition(FACT_END)[0] for r in side}
        if sentence is not None and sentence.zh.partition(FACT_END)[0] not in facts:
            side.append(Reason(code, sentence, value))
    shown = sum(r.log_odds for side in listed for r in side)
    return listed[0], listed[1], float(sums.sum() - shown)
