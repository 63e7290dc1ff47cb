"""Estimator of `credit_risk`: calibrated probability of default, score, decision band and reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.errors import ConfigError, DataError
from ml.credit_risk.params import DERIVED, MONOTONE, CreditParams
from ml.credit_risk.reasons import REASONS, TOPICS
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

N_REFERENCE_APPLICANTS = 500  # applicants nearest the approval cut-off whose mean contributions are the reference
LEARNERS: dict[str, Any] = {"boosted_trees": BoostedTrees, "woe_scorecard": WoeScorecard}


class CreditRiskEstimator(PipelineEstimator):
    """Probability of default by a boosted-trees or scorecard model, with calibration, cut-offs and reasons.

    Parameters
    ----------
    params : ml.credit_risk.params.CreditParams
        Section `params` of `configs/credit_risk.yaml`.
    signature : Signature
        Fields of an application, as returned by `ml.signature.infer_signature`.

    Attributes
    ----------
    encoder_ : TabularEncoder
        From columns to a matrix of numbers, including derived columns such as the loan-to-value.
    learner_ : BoostedTrees or WoeScorecard
        Fitted classifier of default.
    calibrator_ : Calibrator
        From the learner's log-odds to probabilities.
    policy_ : dict
        Cut-offs `approve` and `decline` on the probability of default, their `evidence` (intervals), `notes` and
        `points` (scale).
    reference_ : ndarray of shape (n_features,)
        Mean contributions (log-odds) of the held-out applicants nearest the approval cut-off; the reference of the
        reasons.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.credit_risk.estimator import CreditRiskEstimator
    >>> from ml.credit_risk.params import CreditParams
    >>> from ml.signature import Field, Signature
    >>> rng = np.random.default_rng(0)
    >>> X = pl.DataFrame({"bureau_score": rng.uniform(400, 800, 600)})
    >>> y = (rng.random(600) < np.where(X["bureau_score"] < 500, 0.9, 0.02)).astype(float)
    >>> signature = Signature(fields=(Field(name="bureau_score", kind="number", feature=True),))
    >>> estimator = CreditRiskEstimator(params=CreditParams(target_bad_rate=0.1), signature=signature)
    >>> estimator = estimator.fit(X[:300], y[:300], calibrate=(X[300:], y[300:]))
    >>> estimator.predict({"bureau_score": [450.0, 790.0]})["band"].to_list()
    ['decline', 'approve']
    """

    state_file = "credit_risk.json"
    params_type = CreditParams
    params: CreditParams

    @property
    def notes(self) -> list[str]:
        """Warnings of the training for the report and the model card."""
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
        """Fit the learner on training rows, then fit the calibrator and derive the cut-offs on held-out rows.

        Parameters
        ----------
        X : polars.DataFrame
            Training rows with the columns of `signature`, in the units of the raw table (amounts in fen).
        y : ndarray of shape (n_rows,)
            1 = defaulted, 0 = repaid.
        calibrate : (polars.DataFrame, ndarray)
            Held-out rows and labels; later than X if the data has dates.
        weights : None
            Not supported: the labels are final.
        refit : bool
            Refit the learner on all rows at the end; calibrator and cut-offs stay unchanged.
        progress : callable, optional
            Called with a text before each step.

        Raises
        ------
        DataError
            The training rows or the held-out rows have one class only.
        ConfigError
            A parameter names a feature that the data does not have.
        ValueError
            `weights` is not None.
        """
        self._refuse_weights(weights)
        report_progress = progress or (lambda text: None)
        for part, values in (("training", y), ("calibration", calibrate[1])):
            if len(np.unique(values)) < 2:
                raise DataError(
                    f"label: the {part} rows have one class only ({len(values)} rows, all {values[0]:g}); "
                    "both good and defaulted loans are needed: provide more data or change the split shares"
                )
        self.encoder_ = self._encoder().fit(X)
        matrix, calibration_matrix = self.encoder_.transform(X), self.encoder_.transform(calibrate[0])
        report_progress(f"fitting {self.params.estimator} on {len(y):,} rows x {matrix.shape[1]} features")
        self.learner_ = self._learner().fit(matrix, y)
        report_progress(f"calibrating on {len(calibrate[1]):,} held-out rows")
        log_odds = self.learner_.decision_function(calibration_matrix)
        self.calibrator_ = self._calibrator(log_odds, calibrate[1])
        nearest = self._set_policy(log_odds, calibrate[1])
        if refit:
            report_progress("refitting on training and held-out rows")
            labels = np.concatenate([y, calibrate[1]])
            self.learner_ = self._learner().fit(np.vstack([matrix, calibration_matrix]), labels)
        contributions = self.learner_.contributions(calibration_matrix[nearest])
        self.reference_: FloatArray = contributions[:, :-1].mean(axis=0)
        self._set_scale_and_reasons()
        return self

    def _encoder(self) -> TabularEncoder:
        numeric = self.signature.numeric
        derived = self._derived(DERIVED, numeric)
        return TabularEncoder(numeric=numeric, categorical=self.signature.categorical, derived=derived)

    def _learner(self) -> Any:
        hyperparameters = getattr(self.params, self.params.estimator).model_dump()
        positions, directions = self.encoder_.categorical_positions_, self._monotone(MONOTONE)
        return LEARNERS[self.params.estimator](**hyperparameters, categorical=positions, monotone=directions)

    def _calibrator(self, log_odds: FloatArray, y: FloatArray) -> Calibrator:
        return Calibrator(method=self.params.calibration).fit(log_odds, y)

    def _set_policy(self, log_odds: FloatArray, y: FloatArray) -> NDArray[np.intp]:
        """Derive the cut-offs from out-of-fold probabilities; return the rows nearest the approval cut-off."""
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
            policy = {"approve": cut.approve.value, "decline": cut.decline.value, "evidence": _as_dict(cut)}
        except TargetNotReachable as e:
            notes.append(f"{e}; no application is approved automatically; raise params.target_bad_rate to change this")
            margin = self.params.maximum_marginal_bad_rate or min(4 * self.params.target_bad_rate, 1.0)
            policy = {"approve": 0.0, "decline": max(margin, float(np.median(probability))), "evidence": None}
        self.policy_: dict[str, Any] = policy | {"notes": notes, "points": self.params.points.as_dict()}
        near = max(policy["approve"], float(probability.min()))
        return nearest_to_cutoff(probability, cutoff=near, neighbours=N_REFERENCE_APPLICANTS)

    def _cross_calibrated(self, log_odds: FloatArray, y: FloatArray) -> FloatArray:
        folds = min(5, int(min(y.sum(), len(y) - y.sum())))
        if folds < 2:
            return self.calibrator_.transform(log_odds)
        from sklearn.model_selection import StratifiedKFold

        probability = np.empty(len(y))
        for fit, rest in StratifiedKFold(folds, shuffle=True, random_state=0).split(log_odds[:, None], y):
            probability[rest] = self._calibrator(log_odds[fit], y[fit]).transform(log_odds[rest])
        return probability

    def _set_scale_and_reasons(self) -> None:
        self.scale_ = PointsScale(**self.policy_["points"])
        self.groups_ = self._reason_groups()

    def _reason_groups(self) -> ReasonGroups:
        groups = {f: code for code, (names, _, _) in REASONS.items() for f in names}
        groups |= {f: code for code, text in self.params.reasons.items() for f in text.features}
        texts = {code: {"zh": zh, "en": en} for code, (_, zh, en) in REASONS.items()}
        texts |= {code: {"zh": text.zh, "en": text.en} for code, text in self.params.reasons.items()}
        try:
            return reason_groups(self.encoder_.feature_names_out_, groups=groups, texts=texts, names=self._labels())
        except ValueError as e:
            raise ConfigError(f"params.reasons: {e}") from None

    def _labels(self) -> dict[str, dict[str, str]]:
        return {n: self.signature.column_label(n).model_dump() for n in self.encoder_.feature_names_out_}

    def probability_of_default(self, matrix: FloatArray) -> FloatArray:
        """Return the calibrated probability of default of each row, shape (n_rows,).

        Parameters
        ----------
        matrix : ndarray of shape (n_rows, n_features)
            As returned by `encoder_.transform`.

        Returns
        -------
        ndarray of float64
            0 to 1.
        """
        return np.asarray(self.calibrator_.transform(self.learner_.decision_function(matrix)))

    def points(self, probability: FloatArray) -> FloatArray:
        """Return the score of each row in whole points, shape (n_rows,).

        Parameters
        ----------
        probability : ndarray of shape (n_rows,)
            As returned by `probability_of_default`.

        Returns
        -------
        ndarray of float64
            Whole numbers; a higher score means less risk. The scale is `params.points`.
        """
        return np.rint(self.scale_.points_from_probability(probability))

    def bands(self, probability: FloatArray) -> NDArray[np.str_]:
        """Return the decision band of each row: "approve", "refer" or "decline".

        Parameters
        ----------
        probability : ndarray of shape (n_rows,)
            As returned by `probability_of_default`.

        Returns
        -------
        ndarray of str, shape (n_rows,)
        """
        return bands(probability, approve=self.policy_["approve"], decline=self.policy_["decline"])

    def reasons(self, matrix: FloatArray) -> list[tuple[Reason, ...]]:
        """Return at most four adverse reasons for each row, largest first.

        Parameters
        ----------
        matrix : ndarray of shape (n_rows, n_features)
            As returned by `encoder_.transform`.

        Returns
        -------
        list of tuple of Reason
            One tuple per row, empty if no reason is adverse. Each `ml.domain.credit.reason_codes.Reason` has `code`,
            `text` (zh, en), `points` (effect on the score, below 0) and `share` (0 to 1).
        """
        contributions = self.learner_.contributions(matrix)[:, :-1]
        factor = self.scale_.factor
        return [
            adverse_reasons(row, self.reference_, groups=self.groups_, points_per_log_odds=factor)
            for row in contributions
        ]

    def differences(self, matrix: FloatArray) -> FloatArray:
        """Return what each reason code adds to the score compared with applicants at the approval cut-off.

        Parameters
        ----------
        matrix : ndarray of shape (n_rows, n_features)
            As returned by `encoder_.transform`.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_codes)
            Points, below 0 for what lowers the score; columns in the order of `groups_.codes`.
        """
        excess = self.learner_.contributions(matrix)[:, :-1] - self.reference_
        index, n_codes = self.groups_.code_index, len(self.groups_.codes)
        rows = [np.bincount(index, weights=row, minlength=n_codes) for row in excess]
        return np.asarray(-self.scale_.factor * np.array(rows, dtype=np.float64).reshape(len(excess), n_codes))

    def topic(self, code: str) -> dict[str, str]:
        """Return what a reason code is about, by language: a noun that fits what lowers and what raises the score."""
        if code in TOPICS and code not in self.params.reasons:
            return dict(zip(("zh", "en"), TOPICS[code], strict=True))
        position = self.groups_.codes.index(code)
        names = [
            n for n, i in zip(self.encoder_.feature_names_out_, self.groups_.code_index, strict=True) if i == position
        ]
        labels = self._labels()
        return {
            "zh": "、".join(labels[name]["zh"] for name in names),
            "en": ", ".join(labels[name]["en"] for name in names),
        }

    def predict(self, X: Columns) -> pl.DataFrame:
        """Predict the default of each row.

        Parameters
        ----------
        X : polars.DataFrame or mapping of str to sequence
            Columns of `signature`, in the units of the raw table (amounts in fen).

        Returns
        -------
        polars.DataFrame
            `probability_of_default` (0 to 1), `score` (int64, points) and `band` ("approve", "refer", "decline"), one
            row per row of X.
        """
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
        self._set_scale_and_reasons()


def _as_dict(cut: Any) -> dict[str, Any]:
    return {k: (v.__dict__ if hasattr(v, "low") else v) for k, v in cut.__dict__.items()}
