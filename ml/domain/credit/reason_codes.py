"""Reason codes: adverse reasons of a credit decision.

Each feature's contribution to the log-odds of default is compared with the mean contribution of applicants *at the
approval cut-off*. A reason therefore shows what separates the applicant from approval, not from the average applicant.
Contributions of features with the same reason code are added; only adverse reasons are returned, largest first.

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

ROUNDING = 1e-9  # log-odds; smaller differences are floating-point noise


@dataclass(frozen=True)
class Reason:
    """One adverse reason, as returned by `adverse_reasons`.

    Attributes
    ----------
    code : str
        Reason code.
    log_odds : float
        Increase in the log-odds of default compared with the reference; above 0.
    share : float
        Fraction of the sum of all adverse reasons, 0 to 1.
    points : float
        The increase in points of the score; below 0.
    text : mapping
        Language ("zh", "en") to a sentence for the customer.
    """

    code: str
    log_odds: float
    share: float
    points: float
    text: Text


@dataclass(frozen=True)
class ReasonGroups:
    """Reason code of each feature, as returned by `reason_groups`.

    Attributes
    ----------
    codes : tuple of str
        Reason codes; ties are broken in this order.
    code_index : array of int, shape (n_features,)
        Index of each feature's code in `codes`.
    texts : tuple of mapping
        Text of each code by language.
    """

    codes: tuple[str, ...]
    code_index: npt.NDArray[np.intp]
    texts: tuple[Text, ...]


def reason_groups(
    features: Sequence[str],
    *,
    groups: Mapping[str, str],
    texts: Mapping[str, Text] | None = None,
    names: Mapping[str, Text] | None = None,
) -> ReasonGroups:
    """Return the reason code of every feature.

    Parameters
    ----------
    features : sequence of str
        Feature names in the order of the contributions.
    groups : mapping
        Feature name to reason code. Other names than `features` are ignored. A feature without an entry gets a code
        made from its own name.
    texts : mapping, optional
        Reason code to {"zh": ..., "en": ...}. A code without texts gets a generic text with its features' names.
    names : mapping, optional
        Feature to its readable name, {"zh": ..., "en": ...}, for generic texts; by default the feature in quotes.

    Returns
    -------
    ReasonGroups
        Codes in the order of their first feature.

    Raises
    ------
    ValueError
        A feature occurs twice; a code made from a name already belongs to another feature; a text lacks a language.

    Examples
    --------
    >>> from ml.domain.credit.reason_codes import reason_groups
    >>> declared = {"loan_amount": "R01", "loan_to_value": "R01"}
    >>> named = {"late": {"zh": "逾期次数", "en": "late payments"}}
    >>> reasons = reason_groups(["loan_amount", "loan_to_value", "late"], groups=declared, names=named)
    >>> reasons.codes, reasons.code_index.tolist()
    (('R01', 'LATE'), [0, 0, 1])
    >>> reasons.texts[1]["zh"]
    '申请资料中的逾期次数使评分降低。'
    """
    if len(set(features)) != len(features):
        duplicate = next(name for name in features if list(features).count(name) > 1)
        raise ValueError(f"feature names must be unique, got {duplicate!r} twice")
    declared = {groups[name] for name in features if name in groups}
    features_of: dict[str, list[str]] = {}
    feature_codes: list[str] = []
    for name in features:
        code = groups.get(name) or _code_from_name(name)
        if name not in groups and (code in declared or code in features_of):
            raise ValueError(
                f"feature {name!r} would get the reason code {code!r}, which already stands for another feature: "
                f"declare a reason code for {name!r}"
            )
        features_of.setdefault(code, []).append(name)
        feature_codes.append(code)
    codes = tuple(features_of)
    position = {code: i for i, code in enumerate(codes)}
    declared_texts, feature_names = texts or {}, names or {}
    return ReasonGroups(
        codes=codes,
        code_index=np.array([position[code] for code in feature_codes], dtype=np.intp),
        texts=tuple(
            _declared_text(code, declared_texts[code])
            if code in declared_texts
            else _generic_text([feature_names.get(n, {"zh": f"“{n}”", "en": f"“{n}”"}) for n in features_of[code]])
            for code in codes
        ),
    )


def _code_from_name(name: str) -> str:
    code = re.sub(r"\W+", "_", name).strip("_").upper()
    if not code:
        raise ValueError(f"no reason code can be made from the feature name {name!r}: declare one for it")
    return code


def _declared_text(code: str, text: Text) -> Text:
    for language in ("zh", "en"):
        if not text.get(language):
            raise ValueError(f"the text of reason code {code!r} lacks the language {language!r}: add it")
    return dict(text)


def _generic_text(names: Sequence[Text]) -> Text:
    """Return a text that the customer understands and can check: which entries of the application lower the score."""
    values = "value" if len(names) == 1 else "values"
    lower = "lowers" if len(names) == 1 else "lower"
    return {
        "zh": f"申请资料中的{'、'.join(name['zh'] for name in names)}使评分降低。",
        "en": f"The {values} of {', '.join(name['en'] for name in names)} {lower} the score.",
    }


def nearest_to_cutoff(probability: npt.ArrayLike, *, cutoff: float, neighbours: int) -> npt.NDArray[np.intp]:
    """Return the indices of the applicants nearest the approval cut-off; their mean contributions are the reference.

    Parameters
    ----------
    probability : array of shape (n_rows,)
        Calibrated probability of default of held-out applicants.
    cutoff : float
        Approval cut-off, a probability strictly between 0 and 1.
    neighbours : int
        Number of applicants; all of them if there are fewer.

    Returns
    -------
    array of int, shape (min(neighbours, n_rows),)
        Row positions, in order of the distance in log-odds.

    Raises
    ------
    ValueError
        There are no rows, the cut-off is not between 0 and 1, or `neighbours` is below 1.

    Examples
    --------
    >>> from ml.domain.credit.reason_codes import nearest_to_cutoff
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
    """Return the reasons that raise one applicant's risk above the reference, largest first.

    Parameters
    ----------
    contributions : array of shape (n_features,) or (n_features + 1,)
        The applicant's contributions to the log-odds of default, in the order of the features of `groups`, such as
        returned by `BoostedTrees.contributions` or `WoeScorecard.contributions`; an intercept in the last position is
        ignored.
    reference : array of the same shape
        Mean contributions of the applicants at the indices of `nearest_to_cutoff`.
    groups : ReasonGroups
        As returned by `ml.domain.credit.reason_codes.reason_groups`.
    points_per_log_odds : float
        Points per unit of log-odds: `ml.domain.credit.points.PointsScale(...).factor`.
    limit : int
        Maximum number of reasons.

    Returns
    -------
    tuple of Reason
        Empty if no reason is adverse. Ties are broken by the order of `groups.codes`.

    Raises
    ------
    ValueError
        Shapes do not match.

    Examples
    --------
    >>> from ml.domain.credit.reason_codes import adverse_reasons, reason_groups
    >>> groups = reason_groups(["income", "debt", "term"], groups={})
    >>> for reason in adverse_reasons([0.3, 0.9, -0.5], [0.0, 0.0, 0.0], groups=groups, points_per_log_odds=20.0):
    ...     print(reason.code, round(reason.share, 2), round(reason.points, 1))
    DEBT 0.75 -18.0
    INCOME 0.25 -6.0
    """
    own, mean = np.asarray(contributions, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    n_features = len(groups.code_index)
    if own.shape != mean.shape or own.shape not in ((n_features,), (n_features + 1,)):
        raise ValueError(
            f"contributions {own.shape} and reference {mean.shape} must both have {n_features} entries (or one more)"
        )
    excess = np.bincount(groups.code_index, weights=(own - mean)[:n_features], minlength=len(groups.codes))
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
