"""The one HTTP shape: a typed question to the champions of some tasks, or to the rules of a folder alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from ml.entry import TaskEntry
from ml.problem import Estimator
from ml.signature import Signature

Rules = TypeVar("Rules")
Request = TypeVar("Request", bound=BaseModel)
Answer = TypeVar("Answer", bound=BaseModel)


class Champion(Protocol):
    """A trained model as an endpoint reads it."""

    @property
    def estimator(self) -> Estimator:
        """The fitted estimator."""

    @property
    def card(self) -> Mapping[str, Any]:
        """The model card."""


Champions = Mapping[str, Champion]


@dataclass(frozen=True)
class Endpoint(Generic[Rules, Request, Answer]):
    """One question that the service answers.

    Attributes
    ----------
    path : str
        Below the path of its task or group, such as `orders`; empty for the task's own route.
    summary : mapping
        The question, by language (`zh`, `en`).
    request : callable
        ``(champions) -> type``: pydantic model of one request. The server calls it once for each set of versions.
    response : type
        Pydantic model of one answer. The server adds the versions of the champions that gave it.
    respond : callable
        ``(rules, champions, requests, explain) -> answers`` in the order of the requests. A `DataError` becomes a 422.
    example : callable
        ``(champions) -> mapping``: a request that is answered.
    rules : callable
        ``(configs) -> rules``, read from a folder when the server starts. A `ConfigError` turns off this endpoint
        alone.
    required_tasks : tuple of str
        Tasks beside its own that must have a champion; without one the answer is 503 with the command that makes it.
    optional_tasks : tuple of str
        Tasks whose champions it reads where there are any.
    explains : bool or None
        Whether answers have reasons by default; the query parameter `explain` overrides it. None: there are none.
    max_rows : int or None
        Most requests of one batch: 1 has no batch, None takes as many as the server allows.
    runs_in_thread : callable, optional
        ``(request) -> bool``: whether a request without reasons takes so long that others must not wait for it.
        Without it every request is read and answered in a thread.
    public_errors : bool
        Whether the caller may read the text of a `DataError`. It must not quote what was sent about a person.
    page : callable, optional
        ``(answer) -> str``: the answer as a printable page, sent to callers that accept `text/html`.
    """

    path: str
    summary: Mapping[str, str]
    request: Callable[[Champions], type[Request]]
    response: type[Answer]
    respond: Callable[[Rules, Champions, Sequence[Request], bool], Sequence[Answer]]
    example: Callable[[Champions], Mapping[str, Any]]
    rules: Callable[[Path], Rules]
    required_tasks: tuple[str, ...] = ()
    optional_tasks: tuple[str, ...] = ()
    explains: bool | None = None
    max_rows: int | None = 1
    runs_in_thread: Callable[[Request], bool] | None = None
    public_errors: bool = False
    page: Callable[[Answer], str] | None = None


def no_rules(configs: Path) -> None:
    """Read nothing: for endpoints that only read champions."""


def never_in_thread(request: BaseModel) -> bool:
    """Return False: no request takes long."""
    return False


def task_endpoint(
    entry: TaskEntry,
    *,
    request: Callable[[Signature], type[Request]],
    response: type[Answer],
    respond: Callable[..., Sequence[Answer]],
    explains: bool,
    runs_in_thread: Callable[[Request], bool] | None = never_in_thread,
) -> Endpoint[None, Request, Answer]:
    """Make the endpoint of a task's own route, which has a batch and shows the example of the model card.

    Parameters
    ----------
    entry : TaskEntry
        The task.
    request : callable
        ``(signature) -> type``: pydantic model of one request.
    response : type
        Pydantic model of one answer.
    respond : callable
        ``(estimator, requests, explain=...) -> answers``.
    explains, runs_in_thread
        See `Endpoint`.
    """
    task = entry.name
    return Endpoint(
        path="",
        summary=entry.summary,
        request=lambda champions: request(champions[task].estimator.signature),
        response=response,
        respond=lambda rules, champions, requests, explain: respond(
            champions[task].estimator, requests, explain=explain
        ),
        example=lambda champions: champions[task].card["example"],
        rules=no_rules,
        explains=explains,
        max_rows=None,
        runs_in_thread=runs_in_thread,
    )


def respond_each(
    answer: Callable[[Champions, Request], Answer],
) -> Callable[[None, Champions, Sequence[Request], bool], Sequence[Answer]]:
    """Answer requests one by one, without rules.

    >>> respond_each(lambda champions, request: request)(None, {}, [1, 2], False)
    [1, 2]
    """
    return lambda rules, champions, requests, explain: [answer(champions, request) for request in requests]


def respond_each_by_rules(
    answer: Callable[[Rules, Champions, Request], Answer],
) -> Callable[[Rules, Champions, Sequence[Request], bool], Sequence[Answer]]:
    """Answer requests one by one, by rules.

    >>> respond_each_by_rules(lambda rules, champions, request: rules + request)(10, {}, [1, 2], False)
    [11, 12]
    """
    return lambda rules, champions, requests, explain: [answer(rules, champions, request) for request in requests]
