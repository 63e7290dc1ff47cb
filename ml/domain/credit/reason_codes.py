"""Reason codes: why an application falls short of the approval cut-off.

Each feature's contribution to the log-odds of default is compared with that of applicants who sit *at the approval
cut-off*, so a reason says what keeps this applicant from approval, not how they differ from the average applicant.
Contributions of features that share a reason are added; only adverse reasons are given, largest first.

Source: the "points below a reference score" method for adverse action reasons: Regulation B (12 CFR 1002),
official interpretation of 1002.9(b)(2), which also gives the limit of four.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logit

Text = Mapping[str, str]

ROUNDING = 1e-9  # log-odds; below it a difference is arithmetic noise, not a reason


@dataclass(frozen=True)
class Reason:
    """One adverse reason.

    Attributes
    ----------
    code : str
        Reason code.
    log_odds : float
        What the reason adds to the log-odds of default against the reference; above 0.
    share : float
        Its share of everything adverse, 0 to 1.
    points : float
        The same in points of the score; below 0.
    text : mapping
        Language ("zh", "en") to text.
    """

    code: str
    log_odds: float
    share: float
    points: float
    text: Text


@dataclass(frozen=True)
class ReasonGroups:
    """Which feature speaks under which reason code: made by `reason_groups`.

    Attributes
    ----------
    codes : tuple of str
        Codes in the order that settles ties.
    member : array of shape (n_features,)
        Position in `codes` of each feature.
    texts : tuple of mapping
        Texts of each code.
    """

    codes: tuple[str, ...]
    member: npt.NDArray[np.intp]
    texts: tuple[Text, ...]


def reason_groups(
    features: Sequence[str], *, groups: Mapping[str, str], texts: Mapping[str, Text] | None = None
) -> ReasonGroups:
    """Assign every feature a reason code.

    Parameters
    ----------
    features : sequence of str
        Feature names in the order of the contributions.
    groups : mapping
        Feature name to reason code; names that are not features are ignored, so one mapping serves many models.
        A feature without an entry gets a code made from its own name.
    texts : mapping, optional
        Code to {"zh": ..., "en": ...}. A code that is not here gets a generic text naming its features.

    Returns
    -------
    ReasonGroups

    Raises
    ------
    ValueError
        A feature appears twice; a code made from a name is already another feature's; a declared code that is used
        lacks a language.

    Examples
    --------
    >>> declared = {"loan_amount": "R01", "loan_to_value": "R01"}
    >>> found = reason_groups(["loan_amount", "loan_to_value", "age"], groups=declared)
    >>> found.codes, found.member.tolist()
    (('R01', 'AGE'), [0, 0, 1])
    >>> found.texts[1]["en"]
    'The value of age raises the estimated risk'
    """
    if len(set(features)) != len(features):
        twice = next(name for name in features if list(features).count(name) > 1)
        raise ValueError(f"feature names must be unique, got {twice!r} twice")
    declared = {groups[name] for name in features if name in groups}
    owner: dict[str, list[str]] = {}
    code_of: list[str] = []
    for name in features:
        code = groups.get(name) or _own_code(name)
        if name not in groups and (code in declared or code in owner):
            raise ValueError(
                f"feature {name!r} would get the reason code {code!r}, which already stands for another feature: "
                f"declare a reason code for {name!r}"
            )
        owner.setdefault(code, []).append(name)
        code_of.append(code)
    codes = tuple(owner)
    position = {code: i for i, code in enumerate(codes)}
    wording = texts or {}
    return ReasonGroups(
        codes=codes,
        member=np.array([position[code] for code in code_of], dtype=np.intp),
        texts=tuple(
            _declared_text(code, wording[code]) if code in wording else _generic(owner[code]) for code in codes
        ),
    )


def _own_code(name: str) -> str:
    code = re.sub(r"\W+", "_", name).strip("_").upper()
    if not code:
        raise ValueError(f"no reason code can be made from the feature name {name!r}: declare one for it")
    return code


def _declared_text(code: str, text: Text) -> Text:
    for language in ("zh", "en"):
        if not text.get(language):
            raise ValueError(f"the text of reason code {code!r} lacks the language {language!r}: add it")
    return dict(text)


def _generic(names: Sequence[str]) -> Text:
    verb = "raises" if len(names) == 1 else "raise"
    noun = "value" if len(names) == 1 else "values"
    return {
        "zh": f"{'、'.join(names)}的取值提高了风险估计",
        "en": f"The {noun} of {', '.join(names)} {verb} the estimated risk",
    }


def nearest_to_cutoff(probability: npt.ArrayLike, *, cutoff: float, neighbours: int) -> npt.NDArray[np.intp]:
    """Return the positions of the applicants nearest the approval cut-off, whose mean contributions are the reference.

    Parameters
    ----------
    probability : array of shape (n_rows,)
        Calibrated probability of default of held-out applicants.
    cutoff : float
        Approval cut-off, a probability strictly between 0 and 1.
    neighbours : int
        Number of applicants, nearest in log-odds first; all of them where there are fewer.

    Raises
    ------
    ValueError
        No rows, a cut-off outside (0, 1), fewer than one neighbour.

    Examples
    --------
    >>> nearest_to_cutoff([0.001, 0.010, 0.014, 0.5], cutoff=0.012, neighbours=2).tolist()
    [2, 1]
    """
    pd = np.asarray(probability, dtype=np.float64)
    if len(pd) == 0:
        raise ValueError("probability must have at least one row, got none")
    if not 0 < cutoff < 1:
        raise ValueError(f"cutoff must be strictly between 0 and 1, got {cutoff}")
    if neighbours < 1:
        raise ValueError(f"neighbours must be at least 1, got {neighbours}")
    return np.argsort(np.abs(logit(pd) - logit(cutoff)), kind="stable")[:neighbours]


def adverse_reasons(
    contributions: npt.ArrayLike,
    reference: npt.ArrayLike,
    *,
    groups: ReasonGroups,
    points_per_log_odds: float,
    limit: int = 4,
) -> tuple[Reason, ...]:
    """The reasons that raise one applicant's risk above the reference, largest first.

    Parameters
    ----------
    contributions : array of shape (n_features,) or (n_features + 1,)
        The applicant's contributions to the log-odds of default; a base in the last place is ignored.
    reference : array of the same shape
        Mean contributions of the applicants nearest the cut-off, as `nearest_to_cutoff` chooses them.
    groups : ReasonGroups
        Result of `reason_groups`.
    points_per_log_odds : float
        `PointsScale.factor`.
    limit : int
        Most reasons to give.

    Returns
    -------
    tuple of Reason
        Empty when nothing is adverse. Ties are settled by the order of `groups.codes`.

    Raises
    ------
    ValueError
        Shapes that do not agree.

    Examples
    --------
    >>> groups = reason_groups(["income", "debt", "age"], groups={})
    >>> for reason in adverse_reasons([0.3, 0.9, -0.5], [0.0, 0.0, 0.0], groups=groups, points_per_log_odds=20.0):
    ...     print(reason.code, round(reason.share, 2), round(reason.points, 1))
    DEBT 0.75 -18.0
    INCOME 0.25 -6.0
    """
    own, against = np.asarray(contributions, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    n_features = len(groups.member)
    if own.shape != against.shape or own.shape not in ((n_features,), (n_features + 1,)):
        raise ValueError(
            f"contributions {own.shape} and reference {against.shape} must both have {n_features} entries (or one more)"
        )
    excess = np.bincount(groups.member, weights=(own - against)[:n_features], minlength=len(groups.codes))
    adverse = np.where(excess > ROUNDING, excess, 0.0)
    total = float(adverse.sum())
    largest = np.argsort(-adverse, kind="stable")[: min(limit, int(np.count_nonzero(adverse)))]
    return tuple(
        Reason(
            code=groups.codes[i],
            log_odds=float(adverse[i]),
            share=float(adverse[i]) / total,
            points=-points_per_log_odds * float(adverse[i]),
            text=groups.texts[i],
        )
        for i in largest
    )
