"""Estimators of a task's rows: parameters, a signature, and fitted steps that are stored side by side."""

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

SampleWeights = tuple[FloatArray, FloatArray]  # of the training rows, and of the calibration rows
Derivations = Mapping[str, dict[str, list[str | float]]]


class PipelineEstimator(SklearnEstimator):
    """What the estimators of credit risk, lead scoring and residual value share.

    A subclass names its `state_file` and the type of its `params`, says which steps it has (`_step_types`: an attribute
    `NAME_` each) and what else it learned (`_fitted_state`, `_restore_state`).

    Parameters
    ----------
    params
        Parameters of the task.
    signature : Signature
        Fields of a row.
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
        """Columns of identifiers that `predict` reads beside the features: none."""
        return ()

    def _refuse_weights(self, weights: SampleWeights | None) -> None:
        if weights is not None:
            raise ValueError(f"weights: rows of {type(self).__name__} have none, their labels do not ripen; pass None")

    def _step_types(self) -> dict[str, Any]:
        raise NotImplementedError

    def _fitted_state(self) -> dict[str, Any]:
        return {}

    def _restore_state(self, state: Mapping[str, Any]) -> None:
        """Take what `_fitted_state` gave, and finish."""

    @property
    def _names(self) -> Sequence[str]:
        return self.encoder_.feature_names_out_

    def _matrix(self, X: Any) -> FloatArray:
        return self.encoder_.transform(X)

    def importance(self, X: pl.DataFrame) -> dict[str, float]:
        """Mean absolute contribution of each feature over the rows of X, in the learner's unit."""
        contributions = self.learner_.contributions(self._matrix(X))[:, :-1]
        return dict(zip(self._names, np.abs(contributions).mean(axis=0).tolist(), strict=True))

    def _monotone(self, built_in: Mapping[str, int]) -> dict[int, int]:
        """Return the direction of each column of the matrix that has one: the built-in ones, and `params.monotone`.

        Raises
        ------
        ConfigError
            `params.monotone` names a feature that is no number of this data.
        """
        names, positions = self.encoder_.feature_names_out_, self.encoder_.categorical_positions_
        numbers = [n for i, n in enumerate(names) if i not in positions]
        unknown = [n for n in self.params.monotone if n not in numbers]
        if unknown:
            raise ConfigError(f"params.monotone.{unknown[0]}: not a number feature of this data; it has {numbers}")
        return {names.index(n): d for n, d in (built_in | self.params.monotone).items() if d and n in numbers}

    def _derived(self, built_in: Derivations, numeric: Sequence[str]) -> dict[str, dict[str, list[str | float]]]:
        """Return the derived columns that the number columns allow: built-in ones, and those of `params.derived`.

        Raises
        ------
        ConfigError
            `params.derived` names a column that the data does not have.
        """
        known = set(numeric)
        possible: dict[str, dict[str, list[str | float]]] = {}
        for name, declaration in {**built_in, **self.params.derived}.items():
            absent = [a for a in next(iter(declaration.values())) if isinstance(a, str) and a not in known]
            if absent and name in self.params.derived:
                raise ConfigError(
                    f"params.derived.{name}: '{absent[0]}' is not a number column; it has {sorted(known)}"
                )
            if not absent and name not in known:
                possible[name] = declaration
                known.add(name)
        return possible

    def to_files(self) -> dict[str, bytes]:
        """Write everything learned as native files."""
        state = {name: getattr(self, name).model_dump(mode="json") for name in ("params", "signature")}
        files = {self.state_file: json.dumps(state | self._fitted_state(), ensure_ascii=False, indent=1).encode()}
        for step in self._step_types():
            files |= {f"{step}.{file}": content for file, content in getattr(self, f"{step}_").to_files().items()}
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        state = json.loads(files[cls.state_file])
        params = cls.params_type.model_validate(state["params"])
        estimator = cls(params=params, signature=Signature.model_validate(state["signature"]))
        for step, kind in estimator._step_types().items():
            own = {name.removeprefix(f"{step}."): c for name, c in files.items() if name.startswith(f"{step}.")}
            setattr(estimator, f"{step}_", kind.from_files(own))
        estimator._restore_state(state)
        return estimator
