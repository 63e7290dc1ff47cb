"""Estimator of lead scoring: calibrated probability of a sale, grade, expected margin and contributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from scipy.special import expit

from features.errors import ConfigError, DataError, FeatureError
from ml.domain.arrays import FloatArray
from ml.domain.leads.response_decay import ResponseDecay
from ml.estimators.boosted_trees import BoostedTrees
from ml.estimators.calibration import Calibrator
from ml.estimators.group_calibration import GroupCalibration
from ml.estimators.pipeline import PipelineEstimator, SampleWeights
from ml.estimators.shrunken_rates import ShrunkenRates
from ml.estimators.tabular_encoder import TabularEncoder
from ml.lead_scoring.grades import GradeLimits, grade_limits
from ml.lead_scoring.lead_value import (
    estimate_channels,
    estimate_lead_rates,
    estimate_margins,
    fit_response,
    missing_response_columns,
)
from ml.lead_scoring.params import LeadParams
from ml.lead_scoring.reasons import build_reason_map
from ml.lead_scoring.rows import DERIVED, FIELDS_EMPTY, FROM_TIME, with_form, with_time_of_day
from ml.task import Columns

FOLDS = 3
REFERENCE_ROWS = 5_000  # sample of the calibration rows for the mean contributions
SMALL_BATCH = 64  # rows up to which requests are encoded without data frames


class LeadScoringEstimator(PipelineEstimator):
    """Pipeline of shrunken rates, encoder, boosted trees, pooled calibration and a calibration shift for each dealer.

    The fitted estimator of the champion is
    ``ml.champions.load(ml.champions.version_or_champion("lead_scoring")).estimator``.

    Parameters
    ----------
    params : LeadParams
        Parameters of the task, such as ``ml.lead_scoring.params.LeadParams(horizon_days=30)``.
    signature : Signature
        Fields of a lead and features of its history, as returned by `ml.signature.infer_signature`.

    Attributes
    ----------
    rates_, lead_rates_, encoder_, learner_, calibrator_, dealers_ : estimators
        Fitted steps.
    reference_ : ndarray of shape (n_features,)
        Mean contributions of the calibration rows (log-odds), which `contributions` subtracts.
    response_ : ResponseDecay or None
        Decay of the probability with the hours until the first call; None if the data do not support it.
    reason_map_ : ReasonMap
        Assignment of features to reasons.
    grades_ : GradeLimits
        Lowest probabilities of the grades.
    value_tables_ : dict
        `margins` (as returned by `ml.lead_scoring.lead_value.estimate_margins`), `channels` (as returned by
        `estimate_channels`) and `no_response_reason`, why `response_` is None.
    feature_names_ : list of str
        Names of the features in the order of the columns of `contributions`.

    Examples
    --------
    2,000 leads without times: half of the walk-ins buy, 5 % of the others; every sale has a margin of 9,000 yuan.

    >>> import numpy as np
    >>> import polars as pl
    >>> from features.tables import LEADS
    >>> from ml.lead_scoring.params import LeadParams
    >>> from ml.signature import infer_signature
    >>> rng = np.random.default_rng(0)
    >>> X = pl.DataFrame({"channel": rng.choice(["website", "walk_in"], 2_000), "gross_margin": 900_000})
    >>> y = (rng.random(2_000) < np.where(X["channel"] == "walk_in", 0.5, 0.05)).astype(float)
    >>> signature = infer_signature(X, LEADS, numeric=[], categorical=["channel"], extra=[])
    >>> params = LeadParams(boosted_trees={"n_estimators": 20})
    >>> estimator = LeadScoringEstimator(params=params, signature=signature)
    >>> estimator = estimator.fit(X[:1_500], y[:1_500], calibrate=(X[1_500:], y[1_500:]))
    >>> leads = pl.DataFrame({"channel": ["walk_in", "website"]})
    >>> estimator.predict(leads).select("grade", "calibration").rows()
    [('A', 'pooled'), ('D', 'pooled')]
    >>> estimator.margins(leads).tolist(), estimator.contributions(leads).shape
    ([9000.0, 9000.0], (2, 3))
    """

    state_file = "lead_scoring.json"
    params_type = LeadParams
    params: LeadParams

    @property
    def notes(self) -> list[str]:
        """Return remarks on the fit, which reports show."""
        return [text for text in (self.grades_.note, self.no_response_reason) if text is not None]

    @property
    def no_response_reason(self) -> str | None:
        """Return why the effect of late calls was not estimated, in one sentence; None if it was."""
        reason: str | None = self.value_tables_["no_response_reason"]
        return reason

    @property
    def timed(self) -> bool:
        """Return whether leads have times; without them there are no events, trends and re-scores."""
        return any(f.name == "created_at" for f in self.signature.fields)

    @property
    def references(self) -> set[str]:
        """Return the columns that `predict` reads beside the features: the dealer, and those of the shrunken rates."""
        return {self.params.dealer, *(n for g in self.rates_.groups for n in g)} - {*self.signature.categorical}

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
        """Fit on the training rows, calibrate on later rows, estimate margins, channels and the effect of late calls.

        Parameters
        ----------
        X : DataFrame
            Training rows: the columns of `signature`, the dealer's column, `created_at` and `as_of` (microseconds since
            1970 UTC, int64), and `lead_id`. Outcomes (`first_contact_at` in microseconds since 1970 UTC, `gross_margin`
            in fen, `first_channel`) are used for the estimates of value and not as features.
        y : ndarray of shape (n_rows,)
            1 for a lead that bought within the horizon, otherwise 0.
        calibrate : (DataFrame, ndarray)
            Later rows and their labels.
        weights : (ndarray, ndarray), optional
            Weights of the training and of the calibration rows, for labels that are censored while they are recent.
        refit : bool
            Fit rates, encoder and trees again on all rows; the calibration is kept.
        progress : callable, optional
            ``(text) -> None``, called with a line at each step.

        Returns
        -------
        LeadScoringEstimator
            The estimator itself, fitted.

        Raises
        ------
        DataError
            The training or the calibration rows have one class only.
        ConfigError
            A parameter names a column that the data lack.
        """
        say = progress or (lambda text: None)
        X_cal, y_cal = calibrate
        for part, values in (("training", y), ("calibration", y_cal)):
            if len(np.unique(values)) < 2:
                raise DataError(
                    f"label: the {part} rows have one class only ({len(values)} rows); leads that bought and "
                    "leads that did not buy are both needed: give more data, another horizon or other split shares"
                )
        w, w_cal = (np.ones(len(y)), np.ones(len(y_cal))) if weights is None else weights
        say(f"fitting trees on {len(y):,} rows")
        matrix = self._fit_steps(X, y, w)
        say(f"calibrating on {len(y_cal):,} later rows")
        pooled = self.learner_.decision_function(self._matrix(X_cal))
        self._calibrate(matrix, X, y, w, pooled, y_cal, w_cal)
        self.dealers_ = GroupCalibration(min_rows=self.params.dealer_calibration_rows)
        self.dealers_.fit(self.calibrator_.log_odds(pooled), y_cal, self._dealers(X_cal), w_cal)
        self.grades_ = grade_limits(self.params, X_cal, self._probability(X_cal), w_cal)
        say("estimating margins, channels and the effect of late calls")
        rows, outcome = pl.concat([X, X_cal], how="diagonal"), np.concatenate([y, y_cal])
        weight = np.concatenate([w, w_cal])
        response: ResponseDecay | str = missing_response_columns(rows)
        if not response:
            probability = np.concatenate([self._out_of_fold(matrix, X, y, w), self._probability(X_cal)])
            response = fit_response(rows, np.vstack([matrix, self._matrix(X_cal)]), outcome, probability)
        self.response_ = response if isinstance(response, ResponseDecay) else None
        self.value_tables_: dict[str, Any] = {
            "margins": estimate_margins(rows, outcome, by=self.params.margin_by),
            "channels": estimate_channels(
                rows.drop([*self.signature.own], strict=False), outcome, weight, months=self.params.channel_months
            ),
            "no_response_reason": None
            if response is self.response_
            else f"the effect of late calls is not estimated: {response}",
        }
        self.lead_rates_ = estimate_lead_rates(rows, outcome, weight, groups=self._rate_groups(X))
        if refit:
            say("refitting on training and calibration rows")
            self._fit_steps(rows, outcome, weight)
        sample = X_cal[np.linspace(0, X_cal.height - 1, min(X_cal.height, REFERENCE_ROWS)).astype(np.intp)]
        self.reference_: FloatArray = self.learner_.contributions(self._matrix(sample))[:, :-1].mean(axis=0)
        self._finish()
        return self

    def _calibrate(
        self,
        matrix: FloatArray,
        X: pl.DataFrame,
        y: FloatArray,
        w: FloatArray,
        pooled: FloatArray,
        y_cal: FloatArray,
        w_cal: FloatArray,
    ) -> None:
        """Calibrate on the calibration rows; without times, also on the out-of-fold log-odds of the training rows."""
        log_odds, outcome, weight = pooled, y_cal, w_cal
        if not self.timed:
            log_odds = np.concatenate([self._out_of_fold_log_odds(matrix, X, y, w), pooled])
            outcome, weight = np.concatenate([y, y_cal]), np.concatenate([w, w_cal])
        self.calibrator_ = Calibrator(method=self.params.calibration).fit(log_odds, outcome, weight)

    def _fit_steps(self, X: pl.DataFrame, y: FloatArray, w: FloatArray) -> FloatArray:
        rows = self._rows(X)
        self.rates_ = ShrunkenRates(groups=self._rate_groups(X))
        rates = self.rates_.fit_transform(rows, y, w)
        self.encoder_ = self._encoder().fit(rows)
        matrix = np.ascontiguousarray(np.hstack([self.encoder_.transform(rows), rates]))
        self.learner_ = self._trees().fit(matrix, y, w)
        return matrix

    def _trees(self, **other: Any) -> BoostedTrees:
        params = self.params.boosted_trees.model_dump() | other
        return BoostedTrees(**params, categorical=self.encoder_.categorical_positions_)

    def _rate_groups(self, X: pl.DataFrame) -> list[list[str]]:
        if self.params.rates is not None:
            absent = [n for g in self.params.rates for n in g if n not in X.columns]
            if absent:
                raise ConfigError(
                    f"params.rates: '{absent[0]}' is not a column of the data; its columns are {sorted(X.columns)}"
                )
            return [list(g) for g in self.params.rates]
        dealer = self.params.dealer
        groups = [[dealer], ["channel"], [dealer, "channel"], ["campaign"], ["model"]]
        columns = {f.name for f in self.signature.fields} & {*X.columns}
        return [g for g in groups if columns.issuperset(g)]

    def _encoder(self) -> TabularEncoder:
        numeric = [*self.signature.numeric, *([FIELDS_EMPTY] if self.form else []), *(FROM_TIME if self.timed else ())]
        derived = self._derived(DERIVED, numeric)
        return TabularEncoder(numeric=numeric, categorical=self.signature.categorical, derived=derived)

    def _rows(self, X: Columns) -> pl.DataFrame:
        rows = X if isinstance(X, pl.DataFrame) else pl.DataFrame(X)
        absent = [n for n in (*self.form, *self.signature.categorical) if n not in rows.columns]
        if absent:
            raise FeatureError(absent[0], "is missing, but the model was trained with it; add the column to the data")
        rows = with_form(rows, fields=self.form, texts=self.signature.categorical)
        return with_time_of_day(rows) if self.timed else rows

    @property
    def form(self) -> list[str]:
        """Return the features that are details of the lead itself."""
        return [f.name for f in self.signature.fields if f.feature and not f.computed]

    def _matrix(self, X: Columns) -> FloatArray:
        rows: Columns = self._rows(X)
        if isinstance(rows, pl.DataFrame) and rows.height <= SMALL_BATCH:
            rows = rows.to_dict(as_series=False)  # lists are converted in one call, a frame column by column
        return np.ascontiguousarray(np.hstack([self.encoder_.transform(rows), self.rates_.transform(rows)]))

    def _dealers(self, X: pl.DataFrame) -> list[str | None]:
        name = self.params.dealer
        return X[name].cast(pl.String).to_list() if name in X.columns else [None] * X.height

    def _out_of_fold(self, matrix: FloatArray, X: pl.DataFrame, y: FloatArray, w: FloatArray) -> FloatArray:
        """Return calibrated out-of-fold probabilities of the training rows; folds do not split a lead."""
        log_odds = self._out_of_fold_log_odds(matrix, X, y, w)
        return np.asarray(expit(self.calibrator_.log_odds(log_odds) + self.dealers_.shift(self._dealers(X))))

    def _out_of_fold_log_odds(self, matrix: FloatArray, X: pl.DataFrame, y: FloatArray, w: FloatArray) -> FloatArray:
        leads = X["lead_id"].to_numpy() if "lead_id" in X.columns else np.arange(len(y))
        _, lead = np.unique(leads, return_inverse=True)
        fold = np.random.default_rng(0).permutation(int(lead.max()) + 1)[lead] % FOLDS
        log_odds = np.empty(len(y))
        for k in range(FOLDS):
            train, test = fold != k, fold == k
            if not test.any() or len(np.unique(y[train])) < 2:
                log_odds[test] = self.rates_.overall_
                continue
            learner = self._trees(bag=1).fit(matrix[train], y[train], w[train])
            log_odds[test] = learner.decision_function(matrix[test])
        return log_odds

    def _finish(self) -> None:
        own = {
            c: (t.features, t.zh_raises, t.en_raises, t.zh_lowers, t.en_lowers) for c, t in self.params.reasons.items()
        }
        self.feature_names_ = [*self.encoder_.feature_names_out_, *self.rates_.names]
        self.reason_map_ = build_reason_map(self.feature_names_, own)

    def _probability(self, X: pl.DataFrame) -> FloatArray:
        log_odds = self.calibrator_.log_odds(self.learner_.decision_function(self._matrix(X)))
        return np.asarray(expit(log_odds + self.dealers_.shift(self._dealers(X))))

    def margins(self, X: pl.DataFrame) -> FloatArray:
        """Return the expected gross margin of a sale of each lead.

        Parameters
        ----------
        X : DataFrame
            With the column that `params.margin_by` names; without it, all leads have the overall mean.

        Returns
        -------
        ndarray of shape (n_rows,)
            Yuan per sale, from the training rows' `gross_margin` (fen); NaN if they have none.
        """
        table = self.value_tables_["margins"]
        if table is None:
            return np.full(X.height, np.nan)
        by, overall = table["groups"], table["overall"]
        if self.params.margin_by not in X.columns:
            return np.full(X.height, overall)
        return np.array([overall if v is None else by.get(str(v), overall) for v in X[self.params.margin_by].to_list()])

    def predict(self, X: Columns) -> pl.DataFrame:
        """Return the predictions for each row.

        Parameters
        ----------
        X : DataFrame or mapping of str to sequence
            Features of the signature and `references`, in the units of the raw table (money in fen); with times also
            `created_at` and `as_of` (microseconds since 1970 UTC, int64). `ml.lead_scoring.request.read_requests`
            returns such rows for requests, `features.lead_scoring.build` for raw tables.

        Returns
        -------
        DataFrame
            In the order of X: `conversion_probability` (0 to 1), `grade` ('A' to 'D'), `expected_gross_margin` (yuan,
            probability times margin of a sale; null if unknown) and `calibration` ('dealer' or 'pooled').

        Raises
        ------
        FeatureError
            A feature is missing in X.
        """
        rows = X if isinstance(X, pl.DataFrame) else pl.DataFrame(X)
        probability = self._probability(rows)
        margin = probability * self.margins(rows)
        own = ["dealer" if self.dealers_.has_shift(d) else "pooled" for d in self._dealers(rows)]
        return pl.DataFrame(
            {
                "conversion_probability": probability,
                "grade": pl.Series(self.grades_.of(probability), dtype=pl.String),
                "expected_gross_margin": pl.Series(margin, nan_to_null=True),
                "calibration": pl.Series(own, dtype=pl.String),
            }
        )

    def contributions(self, X: pl.DataFrame) -> FloatArray:
        """Return the contribution of each feature to the log-odds of each row, relative to the average lead.

        Parameters
        ----------
        X : DataFrame
            Features of the signature and `references`, in the units of the raw table (money in fen); with times also
            `created_at` and `as_of` (microseconds since 1970 UTC, int64), as returned by `features.lead_scoring.build`.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            Log-odds of a sale, in the order of `feature_names_`.
        """
        return np.asarray(self.learner_.contributions(self._matrix(X))[:, :-1] - self.reference_)

    @property
    def _names(self) -> Sequence[str]:
        return self.feature_names_

    def _step_types(self) -> dict[str, Any]:
        return {
            "encoder": TabularEncoder,
            "rates": ShrunkenRates,
            "lead_rates": ShrunkenRates,
            "learner": BoostedTrees,
            "calibrator": Calibrator,
            "dealers": GroupCalibration,
        }

    def _fitted_state(self) -> dict[str, Any]:
        response = None if self.response_ is None else self.response_.as_dict()
        return {
            "reference": self.reference_.tolist(),
            "response": response,
            "value_tables": self.value_tables_,
            "grades": self.grades_.as_dict(),
        }

    def _restore_state(self, state: Mapping[str, Any]) -> None:
        self.reference_, self.value_tables_ = np.array(state["reference"]), state["value_tables"]
        self.grades_ = GradeLimits.from_dict(state["grades"])
        self.response_ = None if state["response"] is None else ResponseDecay.from_dict(state["response"])
        self._finish()
