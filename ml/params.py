"""Parameters written once: the configuration's model of an estimator is read off its constructor."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any, get_type_hints

from pydantic import BaseModel, create_model

from features.yaml_config import Section


def params_model(estimator: type, *, without: Collection[str] = ()) -> type[BaseModel]:
    """Build the pydantic model of an estimator's constructor parameters: same names, types and defaults.

    Parameters
    ----------
    estimator : type
        A scikit-learn style estimator whose constructor is annotated.
    without : collection of str
        Parameters that come from the data and not from the configuration.

    Examples
    --------
    >>> class Ridge:
    ...     def __init__(self, *, alpha: float = 1.0, columns: tuple[int, ...] = ()) -> None: ...
    >>> params_model(Ridge, without=["columns"])(alpha=2).model_dump()
    {'alpha': 2.0}
    """
    hints = get_type_hints(estimator.__init__)  # type: ignore[misc]
    signature = inspect.signature(estimator)
    fields: dict[str, Any] = {
        name: (hints[name], parameter.default)
        for name, parameter in signature.parameters.items()
        if name not in without
    }
    return create_model(f"{estimator.__name__}Params", __base__=Section, **fields)
