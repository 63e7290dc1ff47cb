"""Base class of task estimators: an encoder, a learner and calibrators, fitted and stored as named steps."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from pydantic import BaseModel

from features.errors import ConfigError
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator
from ml.estimators.tabular_encoder import TabularEncoder
from ml.signature import Signature

SampleWeights = tuple[FloatArray, FloatArray]  # weights of the training rows, weights of the calibration rows
Derivations = Mapping[str, dict[str, list[str | float]]]


class PipelineEstimator(SklearnEstimator):
    """Base class of the estimators of credit risk, lead scoring and residual value.

    Get a fitted one with `ml.champions.load_champion`, or with `from_files` of a subclass.

    A subclass sets `state_file` and `params_type` and implements `_step_types`, which maps the name of each step to its
    class; the fitted step is the attribute `<name>_`. Other fitted state goes through `_fitted_state` and
    `_restore_state`.

    Parameters
    ----------
    params : pydantic.BaseModel
        Parameters of the task, an instance of `params_type`.
    signature : Signature
        Names and types of the fields of a row, `ml.signature.Signature`.

    Attributes
    ----------
    encoder_ : TabularEncoder
        Fitted first step, from columns to a float matrix.
    learner_ : estimator
        Fitted model with `contributions`.
    """

    state_file: ClassVar[str]
    params_type: ClassVar[type[BaseModel]]
    encoder_: TabularEncoder
    learner_: Any

    def __init__(self, *, params: Any, signature: Signature) -> None:
        self.params = params
        self.signature = signature

    @property
    def references(self) -> Collection[str]:
        """Identifier columns that `predict` reads in addition to the features; none by default."""
        return ()

    def _refuse_weights(self, weights: SampleWeights | None) -> None:
        if weights is not None:
            raise ValueError(
                f"weights: {type(self).__name__} takes no sample weights, because its labels are final; pass None"
            )

    def _step_types(self) -> dict[str, Any]:
        raise NotImplementedError

    def _fitted_state(self) -> dict[str, Any]:
        return {}

    def _restore_state(self, state: Mapping[str, Any]) -> None:
        """Set fitted attributes from the stored output of `_fitted_state`."""

    @property
    def _names(self) -> Sequence[str]:
        return self.encoder_.feature_names_out_

    def _matrix(self, X: Any) -> FloatArray:
        return self.encoder_.transform(X)

    def importance(self, X: pl.DataFrame) -> dict[str, float]:
        """Return the feature importance: mean absolute contribution over the rows of X.

        Parameters
        ----------
        X : polars.DataFrame
            Rows with the fields of `signature` as columns.

        Returns
        -------
        dict of str to float
            By feature name, in the unit of the learner's output (log-odds for classifiers).
        """
        contributions = self.learner_.contributions(self._matrix(X))[:, :-1]
        return dict(zip(self._names, np.abs(contributions).mean(axis=0).tolist(), strict=True))

    def _monotone(self, built_in: Mapping[str, int]) -> dict[int, int]:
        """Return the monotonicity constraints by column position: `built_in` updated with `params.monotone`.

        Raises
        ------
        ConfigError
            `params.monotone` names a feature that is not numeric or not in the data.
        """
        names, positions = self.encoder_.feature_names_out_, self.encoder_.categorical_positions_
        numeric = [n for i, n in enumerate(names) if i not in positions]
        unknown = [n for n in self.params.monotone if n not in numeric]
        if unknown:
            raise ConfigError(f"params.monotone.{unknown[0]}: not a numeric feature of this data; use one of {numeric}")
        directions = {n: d for n, d in built_in.items() if n not in self.signature.own} | self.params.monotone
        return {names.index(n): d for n, d in directions.items() if d and n in numeric}

    def _derived(self, built_in: Derivations, numeric: Sequence[str]) -> dict[str, dict[str, list[str | float]]]:
        """Return the derived columns whose inputs exist: `built_in` updated with `params.derived`.

        Raises
        ------
        ConfigError
            `params.derived` reads a column that is not in the data.
        """
        available, own = set(numeric), self.signature.own
        possible: dict[str, dict[str, list[str | float]]] = {}
        for name, declaration in {**built_in, **self.params.derived}.items():
            absent = [a for a in next(iter(declaration.values())) if isinstance(a, str) and a not in available]
            if absent and name in self.params.derived:
                raise ConfigError(
                    f"params.derived.{name}: '{absent[0]}' is not a numeric column of this data; use one of "
                    f"{sorted(available)}"
                )
            if name not in self.params.derived and own & {*next(iter(declaration.values()))}:
                continue  # an own column of this name means something else
            if not absent and name not in available:
                possible[name] = declaration
                available.add(name)
        return possible

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the model's files by name.

        Returns
        -------
        dict of str to bytes
            `state_file`, and the files of each step after its name, such as "encoder.encoder.json".
        """
        state = {name: getattr(self, name).model_dump(mode="json") for name in ("params", "signature")}
        files = {self.state_file: json.dumps(state | self._fitted_state(), ensure_ascii=False, indent=1).encode()}
        for step in self._step_types():
            files |= {f"{step}.{file}": content for file, content in getattr(self, f"{step}_").to_files().items()}
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Return the estimator stored in `files`.

        Parameters
        ----------
        files : mapping of str to bytes
            Content by file name, as returned by `to_files`; other files are ignored.

        Raises
        ------
        KeyError
            `state_file` is missing.
        """
        state = json.loads(files[cls.state_file])
        params = cls.params_type.model_validate(state["params"])
        estimator = cls(params=params, signature=Signature.model_validate(state["signature"]))
        for step, kind in estimator._step_types().items():
            own = {name.removeprefix(f"{step}."): c for name, c in files.items() if name.startswith(f"{step}.")}
            setattr(estimator, f"{step}_", kind.from_files(own))
        estimator._restore_state(state)
        return estimator
