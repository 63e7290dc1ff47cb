"""States of live updates belong to estimators, not to their identity numbers."""

from __future__ import annotations

from ml.live_state import LiveStates


class _Estimator:
    """An estimator without content."""


def test_a_later_estimator_never_has_the_state_of_an_earlier_one() -> None:
    states, numbers = LiveStates(), set()
    for _ in range(50):  # CPython gives most of these the same id
        estimator = _Estimator()
        numbers.add(id(estimator))
        assert states.of(estimator) == {}
        states.of(estimator)["rules"] = 1
        del estimator
    assert len(numbers) < 50


def test_two_estimators_keep_their_states_while_both_are_refreshed() -> None:
    states, first, second = LiveStates(), _Estimator(), _Estimator()
    states.of(first)["rules"], states.of(second)["rules"] = 1, 2
    assert (states.of(first), states.of(second)) == ({"rules": 1}, {"rules": 2})
