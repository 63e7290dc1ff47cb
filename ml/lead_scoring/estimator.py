"""From a lead and its history to a calibrated chance of a sale, its grade, its margin and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
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
from ml.lead_scoring.lead_value import estimate_channels, estimate_margins, fit_response, missing_response_columns
from ml.lead_scoring.params import LeadParams
from ml.lead_scoring.reasons import voices
from ml.lead_scoring.rows import DERIVED, FIELDS_EMPTY, FROM_TIME, with_form, with_time_of_day
from ml.task import Columns

FOLDS = 3
REFERENCE_ROWS = 5_000
FEW = 64  # rows of a request
GRADES = np.array(["D", "C", "B", "A"])


class LeadScoringEstimator(PipelineEstimator):
    """Shrunken rates, encoder, trees, pooled calibration, and a shift for every dealer with enough leads.

    Parameters
    ----------
    params : LeadParams
        See there.
    signature : Signature
        The fields of a lead, and what is computed from its history.

    Attributes
    ----------
    rates_, encoder_, learner_, calibrator_, dealers_ : estimators
        The steps.
    reference_ : ndarray of shape (n_features,)
        Mean contributions of the held-out leads: what reasons are measured from.
    response_ : ResponseDecay or None
        How the chance falls with the hours until the first call; None where the data cannot support it.
    value_tables_ : dict
        Margins, the table of channels, and why `response_` is None (`no_response_reason`).
    """

    state_file = "lead_scoring.json"
    params_type = LeadParams
    params: LeadParams

    @property
    def notes(self) -> list[str]:
        """What the training said."""
        return [] if self.no_response_reason is None else [self.no_response_reason]

    @property
    def no_response_reason(self) -> str | None:
        """Why the effect of a late call is off, in a sentence; None where it was fitted."""
        reason: str | None = self.value_tables_["no_response_reason"]
        return reason

    @property
    def timed(self) -> bool:
        """Whether leads have instants, so that events, trends and re-scores make sense."""
        return any(f.name == "created_at" for f in self.signature.fields)

    @property
    def references(self) -> set[str]:
        """Columns beside its features that it reads: the dealer's."""
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
        """Learn from leads whose outcome is known, calibrate on later ones.

        Parameters
        ----------
        X : DataFrame
            Columns of `signature`, the dealer's column, `as_of`; and, to learn from alone, what came after
            (`first_contact_at`, `known_at`, `gross_margin`, `first_channel`).
        y : ndarray
            1 = bought within the horizon.
        calibrate : (DataFrame, ndarray)
            The held-out slice.
        weights : (ndarray, ndarray), optional
            Of the rows of both parts, where young leads are censored.
        refit : bool
            Learn once more from both parts when calibration is set, which is kept as it is.

        Raises
        ------
        DataError
            One class only, in either part.
        ConfigError
            A parameter names a column that the data does not have.
        """
        say = progress or (lambda text: None)
        held, held_y = calibrate
        for part, values in (("training", y), ("calibration", held_y)):
            if len(np.unique(values)) < 2:
                raise DataError(
                    f"label: the {part} rows have one class only ({len(values)} rows); both leads that bought and "
                    "leads that did not are needed: give more data, another horizon or other split shares"
                )
        w, held_w = (np.ones(len(y)), np.ones(len(held_y))) if weights is None else weights
        say(f"fitting trees on {len(y):,} rows")
        matrix = self._fit_steps(X, y, w)
        say(f"calibrating on {len(held_y):,} later rows")
        pooled = self.learner_.decision_function(self._matrix(held))
        self._calibrate(matrix, X, y, w, pooled, held_y, held_w)
        self.dealers_ = GroupCalibration(min_rows=self.params.dealer_calibration_rows)
        self.dealers_.fit(self.calibrator_.log_odds(pooled), held_y, self._dealers(held), held_w)
        say("learning what a sale is worth and what a late call costs")
        both, outcome = pl.concat([X, held], how="diagonal"), np.concatenate([y, held_y])
        both_w = np.concatenate([w, held_w])
        response: ResponseDecay | str = missing_response_columns(both)
        if not response:
            unseen = np.concatenate([self._out_of_fold(matrix, X, y, w), self._probability(held)])
            response = fit_response(both, np.vstack([matrix, self._matrix(held)]), outcome, unseen)
        self.response_ = response if isinstance(response, ResponseDecay) else None
        self.value_tables_: dict[str, Any] = {
            "margins": estimate_margins(both, outcome, by=self.params.margin_by),
            "channels": estimate_channels(both, outcome, both_w, months=self.params.channel_months),
            "no_response_reason": None
            if response is self.response_
            else f"the effect of a late call is off: {response}",
        }
        if refit:
            say("learning once more from both parts")
            self._fit_steps(both, outcome, both_w)
        sample = held[np.linspace(0, held.height - 1, min(held.height, REFERENCE_ROWS)).astype(np.intp)]
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
        held_y: FloatArray,
        held_w: FloatArray,
    ) -> None:
        """Calibrate on the later slice; where nothing is later, on the out-of-fold log-odds of all other rows too."""
        log_odds, outcome, weight = pooled, held_y, held_w
        if not self.timed:
            log_odds = np.concatenate([self._out_of_fold_log_odds(matrix, X, y, w), pooled])
            outcome, weight = np.concatenate([y, held_y]), np.concatenate([w, held_w])
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
        chosen = self.params.boosted_trees.model_dump() | other
        return BoostedTrees(**chosen, categorical=self.encoder_.categorical_positions_)

    def _rate_groups(self, X: pl.DataFrame) -> list[list[str]]:
        if self.params.rates is not None:
            absent = [n for g in self.params.rates for n in g if n not in X.columns]
            if absent:
                raise ConfigError(
                    f"params.rates: '{absent[0]}' is not a column of the data; it has {sorted(X.columns)}"
                )
            return [list(g) for g in self.params.rates]
        dealer = self.params.dealer
        wanted = [[dealer], ["channel"], [dealer, "channel"], ["campaign"], ["model"]]
        known = {f.name for f in self.signature.fields} & {*X.columns}
        return [g for g in wanted if known.issuperset(g)]

    def _encoder(self) -> TabularEncoder:
        numeric = [*self.signature.numeric, *([FIELDS_EMPTY] if self._form else []), *(FROM_TIME if self.timed else ())]
        derived = self._derived(DERIVED, numeric)
        return TabularEncoder(numeric=numeric, categorical=self.signature.categorical, derived=derived)

    def _rows(self, X: Columns) -> pl.DataFrame:
        rows = X if isinstance(X, pl.DataFrame) else pl.DataFrame(X)
        absent = [n for n in (*self._form, *self.signature.categorical) if n not in rows.columns]
        if absent:
            raise FeatureError(absent[0], "is missing: the model was trained with it; add it to the data")
        rows = with_form(rows, fields=self._form, texts=self.signature.categorical)
        return with_time_of_day(rows) if self.timed else rows

    @property
    def _form(self) -> list[str]:
        """Features that the lead itself gives."""
        return [f.name for f in self.signature.fields if f.feature and not f.computed]

    def _matrix(self, X: Columns) -> FloatArray:
        rows: Columns = self._rows(X)
        if isinstance(rows, pl.DataFrame) and rows.height <= FEW:
            rows = rows.to_dict(as_series=False)  # lists are converted in one call, columns of a frame in one each
        return np.ascontiguousarray(np.hstack([self.encoder_.transform(rows), self.rates_.transform(rows)]))

    def _dealers(self, X: pl.DataFrame) -> list[str | None]:
        name = self.params.dealer
        return X[name].cast(pl.String).to_list() if name in X.columns else [None] * X.height

    def _out_of_fold(self, matrix: FloatArray, X: pl.DataFrame, y: FloatArray, w: FloatArray) -> FloatArray:
        """Chances of the training rows by learners that have not seen their lead, under the same calibration."""
        log_odds = self._out_of_fold_log_odds(matrix, X, y, w)
        return np.asarray(expit(self.calibrator_.log_odds(log_odds) + self.dealers_.shift(self._dealers(X))))

    def _out_of_fold_log_odds(self, matrix: FloatArray, X: pl.DataFrame, y: FloatArray, w: FloatArray) -> FloatArray:
        leads = X["lead_id"].to_numpy() if "lead_id" in X.columns else np.arange(len(y))
        _, lead = np.unique(leads, return_inverse=True)
        fold = np.random.default_rng(0).permutation(int(lead.max()) + 1)[lead] % FOLDS
        log_odds = np.empty(len(y))
        for k in range(FOLDS):
            rest, own = fold != k, fold == k
            if not own.any() or len(np.unique(y[rest])) < 2:
                log_odds[own] = self.rates_.overall_
                continue
            learner = self._trees(bag=1).fit(matrix[rest], y[rest], w[rest])
            log_odds[own] = learner.decision_function(matrix[own])
        return log_odds

    def _finish(self) -> None:
        own = {
            c: (t.features, t.zh_raises, t.en_raises, t.zh_lowers, t.en_lowers) for c, t in self.params.reasons.items()
        }
        self.feature_names_ = [*self.encoder_.feature_names_out_, *self.rates_.names]
        self.reason_map_ = voices(self.feature_names_, own)

    def _probability(self, X: pl.DataFrame) -> FloatArray:
        return self.probability_of(self._matrix(X), self._dealers(X))

    def probability_of(self, matrix: FloatArray, dealers: list[str | None]) -> FloatArray:
        """Calibrated chance of each encoded row."""
        log_odds = self.calibrator_.log_odds(self.learner_.decision_function(matrix))
        return np.asarray(expit(log_odds + self.dealers_.shift(dealers)))

    def grades(self, probability: FloatArray) -> NDArray[np.str_]:
        """A to D by the thresholds of the configuration."""
        at = self.params.grades
        return np.asarray(GRADES[np.sum([probability >= t for t in (at.A, at.B, at.C)], axis=0)])

    def margins(self, X: pl.DataFrame) -> FloatArray:
        """Expected gross margin of a sale of each lead in yuan; NaN where no margin was ever known."""
        learnt = self.value_tables_["margins"]
        if learnt is None:
            return np.full(X.height, np.nan)
        by, overall = learnt["groups"], learnt["overall"]
        if self.params.margin_by not in X.columns:
            return np.full(X.height, overall)
        return np.array([overall if v is None else by.get(str(v), overall) for v in X[self.params.margin_by].to_list()])

    def predict(self, X: Columns) -> pl.DataFrame:
        """Answer each row: `conversion_probability`, `grade`, `expected_gross_margin` (yuan), `calibration`."""
        rows = X if isinstance(X, pl.DataFrame) else pl.DataFrame(X)
        probability = self._probability(rows)
        margin = probability * self.margins(rows)
        own = ["dealer" if self.dealers_.has_shift(d) else "pooled" for d in self._dealers(rows)]
        return pl.DataFrame(
            {
                "conversion_probability": probability,
                "grade": pl.Series(self.grades(probability), dtype=pl.String),
                "expected_gross_margin": pl.Series(margin, nan_to_null=True),
                "calibration": pl.Series(own, dtype=pl.String),
            }
        )

    def contributions(self, X: pl.DataFrame) -> FloatArray:
        """What each feature adds to the log-odds of each row, against the average lead."""
        return np.asarray(self.learner_.contributions(self._matrix(X))[:, :-1] - self.reference_)

    @property
    def _names(self) -> Sequence[str]:
        return self.feature_names_

    def _step_types(self) -> dict[str, Any]:
        return {
            "encoder": TabularEncoder,
            "rates": ShrunkenRates,
            "learner": BoostedTrees,
            "calibrator": Calibrator,
            "dealers": GroupCalibration,
        }

    def _fitted_state(self) -> dict[str, Any]:
        response = None if self.response_ is None else self.response_.as_dict()
        return {"reference": self.reference_.tolist(), "response": response, "value_tables": self.value_tables_}

    def _restore_state(self, state: Mapping[str, Any]) -> None:
        self.reference_, self.value_tables_ = np.array(state["reference"]), state["value_tables"]
        self.response_ = None if state["response"] is None else ResponseDecay.from_dict(state["response"])
        self._finish()
