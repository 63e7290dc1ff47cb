"""Why a lead is likely or unlikely to buy, measured against the average lead, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.domain.arrays import FloatArray

MOST = 3  # of each sign
SMALLEST = 0.02  # log-odds; less is not worth a salesperson's time

# code: features (a name ending in * stands for all that begin so), then zh and en of raising, zh and en of lowering
REASONS: dict[str, tuple[tuple[str, ...], str, str, str, str]] = {
    "RECENT_ACTIVITY": (
        ("events_*", "views_*", "dwell_seconds_*", "sessions_90d", "days_since_visit", "recent_share", "last_event_*"),
        "近期浏览活跃", "Visited a lot of late",
        "近期浏览较少", "Has visited little of late",
    ),
    "COMPARING": (
        ("compares_*", "vehicles_90d", "models_90d", "searches_*", "favourites_*"),
        "正在认真比较车型", "Is comparing vehicles in earnest",
        "尚未认真比较车型", "Is not comparing vehicles yet",
    ),
    "PRICE_LIST": (
        ("price_lists_*", "price_list_share", "finance_quotes_*"),
        "索取过报价或金融方案", "Asked for a price list or a finance quote",
        "未索取报价或金融方案", "Asked for no price list or finance quote",
    ),
    "TEST_DRIVE": (
        ("test_drive_requests_*",),
        "预约过试驾", "Asked for a test drive",
        "未预约试驾", "Asked for no test drive",
    ),
    "CONTACT": (
        ("chats_*", "days_since_contact", "days_since_first_call"),
        "近期与门店有联系", "Has been in touch recently",
        "与门店联系较少", "Has hardly been in touch",
    ),
    "CHANNEL": (
        ("channel", "campaign", "rate of channel", "rate of campaign"),
        "该渠道线索成交率较高", "Leads of this channel often buy",
        "该渠道线索成交率较低", "Leads of this channel seldom buy",
    ),
    "STORE": (
        ("rate of store_id", "rate of store_id and channel"),
        "该门店成交率较高", "This store sells to many of its leads",
        "该门店成交率较低", "This store sells to few of its leads",
    ),
    "VEHICLE": (
        ("model", "rate of model"),
        "意向车型较受欢迎", "The model asked about sells well",
        "意向车型成交较少", "The model asked about sells less",
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
        "有购车或咨询记录", "Bought or asked here before",
        "此前的记录不利", "Past purchases or leads weigh against",
    ),
    "TIMING": (
        ("created_hour", "created_weekday", "lead_age_days"),
        "线索时间有利", "The time of the lead is favourable",
        "线索时间不利", "The time of the lead is unfavourable",
    ),
    "COST": (("acquisition_cost",), "线索成本信息有利", "The cost of the lead speaks for it",
             "线索成本信息不利", "The cost of the lead speaks against it"),
}  # fmt: skip


@dataclass(frozen=True)
class ReasonMap:
    """Which feature speaks under which reason, and what each reason says.

    Attributes
    ----------
    codes : tuple of str
        Reason codes.
    member : ndarray of shape (n_features,)
        Position in `codes` of each feature.
    texts : tuple of (zh, en, zh, en)
        Of each code: raising, then lowering.
    """

    codes: tuple[str, ...]
    member: NDArray[np.intp]
    texts: tuple[tuple[str, str, str, str], ...]


def voices(features: Sequence[str], own: Mapping[str, tuple[Sequence[str], str, str, str, str]]) -> ReasonMap:
    """Assign every feature a reason; one that no reason names speaks for itself.

    Examples
    --------
    >>> found = voices(["views_7d", "events_30d", "age"], {})
    >>> found.codes, found.member.tolist()
    (('RECENT_ACTIVITY', 'AGE'), [0, 0, 1])
    """
    codes: list[str] = []
    texts: list[tuple[str, str, str, str]] = []
    member = []
    for name in features:
        code, text = _reason_of(name, own)
        if code not in codes:
            codes.append(code)
            texts.append(text)
        member.append(codes.index(code))
    return ReasonMap(tuple(codes), np.array(member, dtype=np.intp), tuple(texts))


def _reason_of(
    name: str, own: Mapping[str, tuple[Sequence[str], str, str, str, str]]
) -> tuple[str, tuple[str, str, str, str]]:
    for declared in (own, REASONS):
        for code, (names, *text) in declared.items():
            if any(name == n or (n.endswith("*") and name.startswith(n[:-1])) for n in names):
                return code, (text[0], text[1], text[2], text[3])
    said = name.removeprefix("rate of ")
    code = "".join(c if c.isalnum() else "_" for c in said).upper()
    return code, (
        f"{said} 提高了成交可能",
        f"{said} raises the chance of a sale",
        f"{said} 降低了成交可能",
        f"{said} lowers the chance of a sale",
    )


def largest(contributions: FloatArray, speaking: ReasonMap) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Reasons that raise and that lower the log-odds most, largest first: (position in codes, log-odds).

    Examples
    --------
    >>> largest(np.array([0.5, 0.4, -0.3]), voices(["views_7d", "events_30d", "age"], {}))
    ([(0, 0.9)], [(1, -0.3)])
    """
    sums = np.bincount(speaking.member, weights=contributions, minlength=len(speaking.codes))
    order = np.argsort(-np.abs(sums), kind="stable").tolist()
    raising = [(k, float(sums[k])) for k in order if sums[k] > SMALLEST][:MOST]
    return raising, [(k, float(sums[k])) for k in order if sums[k] < -SMALLEST][:MOST]
