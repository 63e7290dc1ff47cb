"""From an application to a calibrated probability of default, points, a band and reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import ConfigError, DataError
from ml.credit_risk.params import DERIVED, MONOTONE, CreditParams
from ml.credit_risk.reasons import REASONS
from ml.domain.arrays import FloatArray
from ml.domain.credit.bands import bands
from ml.domain.credit.cutoffs import TargetNotReachable, derive_cutoffs
from ml.domain.credit.points import PointsScale
from ml.domain.credit.reason_codes import Reason, ReasonGroups, adverse_reasons, nearest_to_cutoff, reason_groups
from ml.estimators.boosted_trees import BoostedTrees
from ml.estimators.calibration import Calibrator
from ml.estimators.pipeline import PipelineEstimator, SampleWeights
from ml.estimators.tabular_encoder import TabularEncoder
from ml.estimators.woe_scorecard import WoeScorecard
from ml.task import Columns

NEIGHBOURS = 500
LEARNERS: dict[str, Any] = {"boosted_trees": BoostedTrees, "woe_scorecard": WoeScorecard}


class CreditRiskEstimator(PipelineEstimator):
    """Encoder, learner, calibrator and the policy read off held-out applicants.

    Parameters
    ----------
    params : CreditParams
        See there.
    signature : Signature
        The fields of an application.

    Attributes
    ----------
    encoder_, learner_, calibrator_ : estimators
        The three steps.
    policy_ : dict
        Approval and decline cut-offs with their evidence, and what the training said (`notes`).
    reference_ : ndarray of shape (n_features,)
        Mean contributions of the held-out applicants nearest the approval cut-off: what reasons are measured from.
    """

    state_file = "credit_risk.json"
    params_type = CreditParams
    params: CreditParams

    @property
    def notes(self) -> list[str]:
        """What the training said."""
        return list(self.policy_["notes"])

    def fit(
        self,
        X: pl.DataFrame,
        y: FloatArray,
        *,
        calibrate: tuple[pl.DataFrame, FloatArray],
        weights: SampleWeights | None = None,
        refit: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Self:
        """Learn from applications with known outcomes, then calibrate and set cut-offs on later ones.

        Parameters
        ----------
        X : DataFrame
            Columns of `signature`, in the raw table's units.
        y : ndarray
            1 = defaulted.
        calibrate : (DataFrame, ndarray)
            The held-out slice, disjoint from X.
        weights : None
            Not offered: the labels do not ripen.
        refit : bool
            Learn once more from both parts when calibrator and cut-offs are set: they are kept as they are.

        Raises
        ------
        DataError
            One class only, in either part.
        ConfigError
            A parameter names a feature that the data does not have.
        ValueError
            `weights` is given.
        """
        self._refuse_weights(weights)
        say = progress or (lambda text: None)
        for part, values in (("training", y), ("calibration", calibrate[1])):
            if len(np.unique(values)) < 2:
                raise DataError(
                    f"label: the {part} rows have one class only ({len(values)} rows, all {values[0]:g}); "
                    "both good and defaulted loans are needed: give more data or other split shares"
                )
        self.encoder_ = self._encoder().fit(X)
        matrix, held = self.encoder_.transform(X), self.encoder_.transform(calibrate[0])
        say(f"fitting {self.params.estimator} on {len(y):,} rows x {matrix.shape[1]} features")
        self.learner_ = self._learner().fit(matrix, y)
        say(f"calibrating on {len(calibrate[1]):,} later rows")
        log_odds = self.learner_.decision_function(held)
        self.calibrator_ = self._calibrator(log_odds, calibrate[1])
        nearest = self._set_policy(log_odds, calibrate[1])
        if refit:
            say("learning once more from both parts")
            self.learner_ = self._learner().fit(np.vstack([matrix, held]), np.concatenate([y, calibrate[1]]))
        self.reference_: FloatArray = self.learner_.contributions(held[nearest])[:, :-1].mean(axis=0)
        self._finish()
        return self

    def _encoder(self) -> TabularEncoder:
        numeric = self.signature.numeric
        derived = self._derived(DERIVED, numeric)
        return TabularEncoder(numeric=numeric, categorical=self.signature.categorical, derived=derived)

    def _learner(self) -> Any:
        chosen = getattr(self.params, self.params.estimator).model_dump()
        positions, directions = self.encoder_.categorical_positions_, self._monotone(MONOTONE)
        return LEARNERS[self.params.estimator](**chosen, categorical=positions, monotone=directions)

    def _calibrator(self, log_odds: FloatArray, y: FloatArray) -> Calibrator:
        return Calibrator(method=self.params.calibration).fit(log_odds, y)

    def _set_policy(self, log_odds: FloatArray, y: FloatArray) -> NDArray[np.intp]:
        """Derive the cut-offs from probabilities whose calibrator has not seen the row they belong to.

        Returns the positions of the applicants nearest the approval cut-off.
        """
        probability = self._cross_calibrated(log_odds, y)
        notes: list[str] = []
        policy: dict[str, Any]
        try:
            cut = derive_cutoffs(
                probability,
                y,
                target_bad_rate=self.params.target_bad_rate,
                maximum_marginal_bad_rate=self.params.maximum_marginal_bad_rate,
            )
            policy = {"approve": cut.approve.value, "decline": cut.decline.value, "evidence": _plain(cut)}
        except TargetNotReachable as e:
            notes.append(f"{e}; nobody is approved without a person: raise params.target_bad_rate to change that")
            margin = self.params.maximum_marginal_bad_rate or 4 * self.params.target_bad_rate
            policy = {"approve": 0.0, "decline": max(margin, float(np.median(probability))), "evidence": None}
        self.policy_: dict[str, Any] = policy | {"notes": notes, "points": self.params.points.as_dict()}
        near = max(policy["approve"], float(probability.min()))
        return nearest_to_cutoff(probability, cutoff=near, neighbours=NEIGHBOURS)

    def _cross_calibrated(self, log_odds: FloatArray, y: FloatArray) -> FloatArray:
        folds = min(5, int(min(y.sum(), len(y) - y.sum())))
        if folds < 2:
            return self.calibrator_.transform(log_odds)
        from sklearn.model_selection import StratifiedKFold

        probability = np.empty(len(y))
        for learn, rest in StratifiedKFold(folds, shuffle=True, random_state=0).split(log_odds[:, None], y):
            probability[rest] = self._calibrator(log_odds[learn], y[learn]).transform(log_odds[rest])
        return probability

    def _finish(self) -> None:
        self.scale_ = PointsScale(**self.policy_["points"])
        self.groups_ = self._reason_groups()

    def _reason_groups(self) -> ReasonGroups:
        groups = {f: code for code, (names, _, _) in REASONS.items() for f in names}
        groups |= {f: code for code, text in self.params.reasons.items() for f in text.features}
        texts = {code: {"zh": zh, "en": en} for code, (_, zh, en) in REASONS.items()}
        texts |= {code: {"zh": text.zh, "en": text.en} for code, text in self.params.reasons.items()}
        try:
            return reason_groups(self.encoder_.feature_names_out_, groups=groups, texts=texts)
        except ValueError as e:
            raise ConfigError(f"params.reasons: {e}") from None

    def probability_of_default(self, matrix: FloatArray) -> FloatArray:
        """Calibrated probability of each encoded row."""
        return np.asarray(self.calibrator_.transform(self.learner_.decision_function(matrix)))

    def points(self, probability: FloatArray) -> FloatArray:
        """Points score of calibrated probabilities."""
        return np.rint(self.scale_.points_from_probability(probability))

    def bands(self, probability: FloatArray) -> NDArray[np.str_]:
        """Band of calibrated probabilities: approve, refer or decline."""
        return bands(probability, approve=self.policy_["approve"], decline=self.policy_["decline"])

    def reasons(self, matrix: FloatArray) -> list[tuple[Reason, ...]]:
        """Adverse reasons of each encoded row against the approval cut-off, largest first, at most four."""
        contributions = self.learner_.contributions(matrix)[:, :-1]
        factor = self.scale_.factor
        return [
            adverse_reasons(row, self.reference_, groups=self.groups_, points_per_log_odds=factor)
            for row in contributions
        ]

    def predict(self, X: Columns) -> pl.DataFrame:
        """Answer each row: `probability_of_default`, `score` (points) and `band`."""
        probability = self.probability_of_default(self.encoder_.transform(X))
        return pl.DataFrame(
            {
                "probability_of_default": probability,
                "score": self.points(probability).astype(np.int64),
                "band": self.bands(probability),
            }
        )

    def _step_types(self) -> dict[str, Any]:
        return {"encoder": TabularEncoder, "learner": LEARNERS[self.params.estimator], "calibrator": Calibrator}

    def _fitted_state(self) -> dict[str, Any]:
        return {"policy": self.policy_, "reference": self.reference_.tolist()}

    def _restore_state(self, state: Mapping[str, Any]) -> None:
        self.policy_, self.reference_ = state["policy"], np.array(state["reference"])
        self._finish()


def _plain(cut: Any) -> dict[str, Any]:
    return {k: (v.__dict__ if hasattr(v, "low") else v) for k, v in cut.__dict__.items()}
