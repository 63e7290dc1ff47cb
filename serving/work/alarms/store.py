"""The champion's surveillance and the alarm store, as the endpoints of quality alarms read and write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from features.errors import ConfigError, DataError
from ml.home import model_file
from serving.asgi import Problem

if TYPE_CHECKING:
    from ml.fault_rate.estimator import FaultEstimator
    from ml.fault_rate.rules import AlarmRules
    from serving.work.routing import WorkContext, WorkRequest

TASK = "fault_rate"
MAX_REMEMBERED = 16
Result = TypeVar("Result")
WATCHED = "watched"  # a state of the desk; the store has the state "acknowledged" for it


def champion_of(context: WorkContext) -> FaultEstimator:
    """Return the champion of `fault_rate`, with the snapshot of the last weekly run.

    Raises
    ------
    Problem
        Status 503 (`no_champion`): there is none.
    """
    loaded = context.store.current(TASK)
    if loaded is None:
        raise Problem(503, "no_champion", context.store.missing_champion(TASK))
    return cast("FaultEstimator", loaded.estimator)


def run_key(context: WorkContext) -> tuple[object, ...]:
    """Return a value that changes with the champion, the weekly run and the rules: a part of cache names."""
    estimator, loaded = champion_of(context), context.store.current(TASK)
    return (getattr(loaded, "version", None), estimator.snapshot.until_day, id(estimator.snapshot), id(estimator.rules))


def rules_of(context: WorkContext) -> AlarmRules:
    """Return the rules that the champion uses, or without a champion those of the folder of configurations."""
    from ml.fault_rate.rules import AlarmRules, load_alarm_rules

    loaded = context.store.current(TASK)
    if loaded is not None:
        return cast("FaultEstimator", loaded.estimator).rules
    path = model_file(context.configs, "fault_alarms.yaml", "")
    return load_alarm_rules(path) if path.is_file() else AlarmRules()


@contextmanager
def store_errors(writing: bool = False) -> Iterator[None]:
    """Turn an error of the alarm store into a `Problem`.

    Raises
    ------
    Problem
        Status 503 (`alarm_store_unavailable`): the file cannot be read or written. 404 (`no_alarm`): the store lacks
        the alarm or report. 409 (`move_not_allowed`): the state does not allow the move.
    """
    try:
        yield
    except ConfigError:
        verb = "written; nothing was changed" if writing else "read"
        text = f"the alarm store cannot be {verb}: make the file `store` of fault_alarms.yaml and its folder writable"
        raise Problem(503, "alarm_store_unavailable", text) from None
    except DataError as error:
        text = str(error)
        if "the store has no" in text:
            raise Problem(404, "no_alarm", text) from None
        raise Problem(409 if text.startswith("state:") else 422, "move_not_allowed", text) from None


def number_of(request: WorkRequest, name: str) -> int:
    """Return the number in a path.

    Raises
    ------
    Problem
        Status 404: it is not a whole number.
    """
    text = request.path[name]
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Problem(404, "no_alarm", f"there is no alarm or report with this number; {name} is a whole number")
    return int(text)


def stored_alarm(context: WorkContext, number: int) -> Mapping[str, Any]:
    """Return a row of `ml.fault_rate.alarm_store.AlarmStore.alarms`.

    Raises
    ------
    Problem
        Status 404 (`no_alarm`) or 503 (`alarm_store_unavailable`).
    """
    from ml.fault_rate.alarm_store import AlarmStore

    with store_errors():
        rows = AlarmStore(rules_of(context).store).alarms().filter(id=number)
        if rows.is_empty():
            raise DataError(f"alarm: the store has no alarm {number}; /v1/alarms lists them")
    return rows.row(0, named=True)


def subject_of(number: int) -> str:
    """Return the subject of the entries of an alarm.

    >>> subject_of(3)
    'alarm-3'
    """
    return f"alarm-{number}"


def shown_state(context: WorkContext, number: int, stored: str) -> str:
    """Return the state of an alarm: `watched` where the last move was to it and the store has not moved on since."""
    entry = context.entries.latest("alarm.moved").get(subject_of(number))
    is_watched = entry is not None and entry.content.get("to") == WATCHED and stored == "acknowledged"
    return WATCHED if is_watched else stored


def entry_stores(request: WorkRequest) -> list[str | None]:
    """Return the stores for which the caller acts: None, the group, or those of the key."""
    return [None] if request.stores is None else [*sorted(request.stores)]


def check_group(request: WorkRequest) -> None:
    """Refuse a key of single stores: an alarm concerns all vehicles of the model, of every store.

    Raises
    ------
    Problem
        Status 403 (`wrong_store`).
    """
    if request.stores is not None:
        text = "a quality alarm concerns the vehicles of all stores: somebody with a key of the whole group moves it"
        raise Problem(403, "wrong_store", text)


def remembered(context: WorkContext, name: str, key: object, compute: Callable[[], Result]) -> Result:
    """Return ``compute()``, once for each key while the rows of the tables stay the same; few keys are remembered.

    Parameters
    ----------
    context : WorkContext
        Of the process.
    name : str
        Name of the result, unique in the process.
    key : object
        What the result depends on beside the rows, such as `run_key`.
    compute : callable
        Takes nothing.
    """
    results: dict[object, Result] = context.records.cached(name, dict)
    if key not in results:
        value = compute()
        while len(results) >= MAX_REMEMBERED:
            results.pop(next(iter(results)), None)
        results[key] = value
        return value
    return results[key]
