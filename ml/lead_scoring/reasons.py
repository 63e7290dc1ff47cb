"""Reasons for a lead's score relative to the average lead, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.domain.arrays import FloatArray

MAX_REASONS = 3  # of each sign
MIN_LOG_ODDS = 0.02  # weaker reasons are not shown

# code: features (* at the end of a name matches any ending), then zh and en texts for features that raise the
# probability of a sale, then zh and en texts for features that lower it
REASONS: dict[str, tuple[tuple[str, ...], str, str, str, str]] = {
    "RECENT_ACTIVITY": (
        ("events_*", "views_*", "dwell_seconds_*", "sessions_90d", "days_since_visit", "recent_share", "last_event_*"),
        "近期浏览活跃", "Many visits recently",
        "近期浏览较少", "Few visits recently",
    ),
    "COMPARING": (
        ("compares_*", "vehicles_90d", "models_90d", "searches_*", "favourites_*"),
        "对比车型较多", "Compares many vehicles",
        "对比车型较少", "Compares few vehicles",
    ),
    "PRICE_LIST": (
        ("price_lists_*", "price_list_share", "finance_quotes_*"),
        "索取过报价或金融方案", "Asked for a price list or a finance quote",
        "未索取报价或金融方案", "Has not asked for a price list or a finance quote",
    ),
    "TEST_DRIVE": (
        ("test_drive_requests_*",),
        "预约过试驾", "Asked for a test drive",
        "未预约试驾", "Has not asked for a test drive",
    ),
    "CONTACT": (
        ("chats_*", "days_since_contact", "days_since_first_call"),
        "近期与门店有联系", "In contact with the store recently",
        "近期与门店联系较少", "Little contact with the store recently",
    ),
    "CHANNEL": (
        ("channel", "campaign", "rate of channel", "rate of campaign"),
        "该渠道线索成交率较高", "Leads from this channel often buy",
        "该渠道线索成交率较低", "Leads from this channel seldom buy",
    ),
    "STORE": (
        ("rate of store_id", "rate of store_id and channel"),
        "该门店线索成交率较高", "Leads of this store often buy",
        "该门店线索成交率较低", "Leads of this store seldom buy",
    ),
    "VEHICLE": (
        ("model", "rate of model"),
        "意向车型的线索成交率较高", "Leads for this model often buy",
        "意向车型的线索成交率较低", "Leads for this model seldom buy",
    ),
    "PRICE": (
        ("price", "budget", "budget_low", "budget_high", "price_to_*"),
        "价格与预算相符", "The price fits the budget",
        "价格与预算不符", "The price does not fit the budget",
    ),
    "DISTANCE": (
        ("distance_km",),
        "距门店较近", "Lives close to the store",
        "距门店较远", "Lives far from the store",
    ),
    "HISTORY": (
        ("purchases*", "days_since_purchase", "other_leads*", "days_since_other_lead"),
        "有购车或咨询记录", "Bought or enquired here before",
        "以往购车或咨询记录不利于成交", "Past purchases or enquiries lower the chance of a sale",
    ),
    "TIMING": (
        ("created_hour", "created_weekday", "lead_age_days"),
        "线索提交时间有利于成交", "Time or age of the lead raises the chance of a sale",
        "线索提交时间不利于成交", "Time or age of the lead lowers the chance of a sale",
    ),
    "COST": (
        ("acquisition_cost",),
        "该成本水平的线索成交率较高", "Leads at this cost often buy",
        "该成本水平的线索成交率较低", "Leads at this cost seldom buy",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class ReasonMap:
    """Assignment of features to reasons, and the texts of the reasons, as returned by `build_reason_map`.

    Attributes
    ----------
    codes : tuple of str
        Codes of the reasons.
    member : ndarray of int, shape (n_features,)
        Position in `codes` of each feature's reason.
    texts : tuple of (str, str, str, str)
        Texts of each reason: zh and en if it raises the probability of a sale, zh and en if it lowers it.
    """

    codes: tuple[str, ...]
    member: NDArray[np.intp]
    texts: tuple[tuple[str, str, str, str], ...]


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
        Codes, texts and the reason of each feature, for `largest`.

    Examples
    --------
    >>> reason_map = build_reason_map(["views_7d", "events_30d", "age"], {})
    >>> reason_map.codes, reason_map.member.tolist()
    (('RECENT_ACTIVITY', 'AGE'), [0, 0, 1])
    """
    codes: list[str] = []
    texts: list[tuple[str, str, str, str]] = []
    member = []
    for name in features:
        code, text = _reason_of(name, overrides)
        if code not in codes:
            codes.append(code)
            texts.append(text)
        member.append(codes.index(code))
    return ReasonMap(tuple(codes), np.array(member, dtype=np.intp), tuple(texts))


def _reason_of(
    name: str, overrides: Mapping[str, tuple[Sequence[str], str, str, str, str]]
) -> tuple[str, tuple[str, str, str, str]]:
    for reasons in (overrides, REASONS):
        for code, (names, *text) in reasons.items():
            if any(name == n or (n.endswith("*") and name.startswith(n[:-1])) for n in names):
                return code, (text[0], text[1], text[2], text[3])
    feature = name.removeprefix("rate of ")
    code = "".join(c if c.isalnum() else "_" for c in feature).upper()
    return code, (
        f"{feature} 提高了成交可能",
        f"{feature} raises the chance of a sale",
        f"{feature} 降低了成交可能",
        f"{feature} lowers the chance of a sale",
    )


def largest(
    contributions: FloatArray, reason_map: ReasonMap
) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Return the strongest reasons that raise and that lower the log-odds of a sale, at most three each.

    Parameters
    ----------
    contributions : ndarray of shape (n_features,)
        Contributions of the features to the log-odds of one lead: a row of ``LeadScoringEstimator.contributions(X)``.
    reason_map : ReasonMap
        As returned by `ml.lead_scoring.reasons.build_reason_map`, or `reason_map_` of a fitted `LeadScoringEstimator`.

    Returns
    -------
    raising, lowering : list of (int, float)
        Position in `reason_map.codes` and summed log-odds, the strongest first.

    Examples
    --------
    >>> import numpy as np
    >>> largest(np.array([0.5, 0.4, -0.3]), build_reason_map(["views_7d", "events_30d", "age"], {}))
    ([(0, 0.9)], [(1, -0.3)])
    """
    sums = np.bincount(reason_map.member, weights=contributions, minlength=len(reason_map.codes))
    order = np.argsort(-np.abs(sums), kind="stable").tolist()
    raising = [(k, float(sums[k])) for k in order if sums[k] > MIN_LOG_ODDS][:MAX_REASONS]
    return raising, [(k, float(sums[k])) for k in order if sums[k] < -MIN_LOG_ODDS][:MAX_REASONS]
