"""State of live updates: what was read last into each served estimator."""

from __future__ import annotations

import weakref
from typing import Any


class LiveStates:
    """State of each estimator that live updates refresh; it disappears with its estimator.

    A served estimator and its successor are refreshed in turns until the successor has replaced it.

    Examples
    --------
    >>> class Estimator:
    ...     pass
    >>> states, estimator = LiveStates(), Estimator()
    >>> states.of(estimator)["rules"] = 1
    >>> states.of(estimator), states.of(Estimator())
    ({'rules': 1}, {})
    """

    def __init__(self) -> None:
        self._states: list[tuple[weakref.ref[Any], dict[str, Any]]] = []

    def of(self, estimator: Any) -> dict[str, Any]:
        """Return the state of an estimator, a dict that the caller changes; empty for a new estimator."""
        # An identity number would be that of a later estimator once this one is gone.
        self._states = [(ref, state) for ref, state in self._states if ref() is not None]
        for ref, state in self._states:
            if ref() is estimator:
                return state
        self._states.append((weakref.ref(estimator), {}))
        return self._states[-1][1]
