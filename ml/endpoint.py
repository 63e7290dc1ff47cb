"""Endpoints of the service: typed requests that are answered by champions, or by the rules of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from ml.entry import TaskEntry
from ml.problem import Estimator
from ml.signature import Signature

Rules = TypeVar("Rules")
Request = TypeVar("Request", bound=BaseModel)
Answer = TypeVar("Answer", bound=BaseModel)


class Champion(Protocol):
    """The part of `ml.model.Model` that endpoints use.

    ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))`` returns one.
    """

    @property
    def estimator(self) -> Estimator:
        """Return the fitted estimator of the task, such as a `LeadScoringEstimator`."""

    @property
    def card(self) -> Mapping[str, Any]:
        """Return the model card; ``card["example"]`` is the JSON content of a valid request."""


Champions = Mapping[str, Champion]  # by task: {"credit_risk": load(version_or_champion("credit_risk"))}


@dataclass(frozen=True)
class Endpoint(Generic[Rules, Request, Answer]):
    """One route of the service, as yielded by `ml.registry.endpoints`.

    Attributes
    ----------
    path : str
        Below the path of its task or group, such as `orders`; empty for the task's own route.
    summary : mapping
        What the endpoint answers, by language (`zh`, `en`).
    request : callable
        ``(champions) -> type``: pydantic model of one request. The server calls it once for each set of versions.
    response : type
        Pydantic model of one answer. The server adds the versions of the champions.
    respond : callable
        ``(rules, champions, requests, explain) -> answers`` in the order of the requests. The server turns a
        `DataError` into a 422.
    example : callable
        ``(champions) -> mapping``: body of a valid request.
    rules : callable
        ``(configs, data_set="") -> rules``, where `configs` is the folder of the configurations and `data_set` that of
        a named model; called when the server starts. A `ConfigError` turns off this endpoint alone.
    required_tasks : tuple of str
        Further tasks that must have a champion; without one the answer is a 503 that names the command to run.
    optional_tasks : tuple of str
        Tasks whose champions are used if they exist.
    explains : bool or None
        Default of the query parameter `explain`, which adds reasons to the answers. None: answers have no reasons.
    max_rows : int or None
        Most requests of a batch. 1: there is no batch route. None: the limit of the server holds.
    runs_in_thread : callable, optional
        ``(request) -> bool``: whether a request without reasons is slow and runs in a thread, so that it does not
        block others. None: every request runs in a thread.
    public_errors : bool
        Whether the text of a `DataError` is sent to the caller. Such a text must not quote personal data of a request.
    long_list : str or None
        Field with a list of pydantic models that may be long: the body may have 8 MB, and is parsed in a thread, one
        element at a time. Needs `runs_in_thread=None`.
    distribution : tuple of two str, optional
        Kind (`probability` or `price`, in yuan) and field of the number in each answer whose distribution the service
        reports in its metrics. Such answers also have `missing`, `unseen` and `warnings`.
    page : callable, optional
        ``(answer) -> str``: the answer as a printable page, sent to callers that accept `text/html`.
    decision : callable, optional
        ``(request, answer) -> mapping``: what the decision log keeps of an answer that decides about a person, without
        personal fields: `outcome`, `store_id`, reasons, offers. None: the endpoint decides nothing.
    binding_fields : mapping, optional
        Fields that make an answer binding, such as the ids of offers, in the form of pydantic's `exclude`; a preview
        leaves them out.
    """

    path: str
    summary: Mapping[str, str]
    request: Callable[[Champions], type[Request]]
    response: type[Answer]
    respond: Callable[[Rules, Champions, Sequence[Request], bool], Sequence[Answer]]
    example: Callable[[Champions], Mapping[str, Any]]
    rules: Callable[..., Rules]
    required_tasks: tuple[str, ...] = ()
    optional_tasks: tuple[str, ...] = ()
    explains: bool | None = None
    max_rows: int | None = 1
    runs_in_thread: Callable[[Request], bool] | None = None
    public_errors: bool = False
    long_list: str | None = None
    page: Callable[[Answer], str] | None = None
    distribution: tuple[Literal["probability", "price"], str] | None = None
    decision: Callable[[Request, Answer], Mapping[str, Any]] | None = None
    binding_fields: Mapping[str, Any] | None = None


def no_rules(configs: Path, data_set: str = "") -> None:
    """Return None: the `rules` of an `Endpoint` without configuration; the server calls it, `configs` is not read."""


def never_in_thread(request: BaseModel) -> bool:
    """Return False for any request: as `runs_in_thread` of an `Endpoint`, it answers all requests without a thread.

    >>> from ml.lead_scoring.channels import ChannelsRequest
    >>> never_in_thread(ChannelsRequest())
    False
    """
    return False


def task_endpoint(
    entry: TaskEntry,
    *,
    request: Callable[[Signature], type[Request]],
    response: type[Answer],
    respond: Callable[..., Sequence[Answer]],
    explains: bool,
    max_rows: int | None = None,
    runs_in_thread: Callable[[Request], bool] | None = never_in_thread,
    distribution: tuple[Literal["probability", "price"], str] | None = None,
    decision: Callable[[Request, Answer], Mapping[str, Any]] | None = None,
) -> Endpoint[None, Request, Answer]:
    """Return the endpoint of a task's own route, with a batch route and the example of the model card.

    Parameters
    ----------
    entry : TaskEntry
        Of the registry, as in ``ml.registry.ENTRIES["credit_risk"]``.
    request : callable
        ``(signature) -> type``: pydantic model of one request, from the `ml.signature.Signature` of the estimator.
    response : type
        Pydantic model of one answer.
    respond : callable
        ``(estimator, requests, explain=...) -> answers`` in the order of the requests.
    explains : bool
        Default of the query parameter `explain`, which adds reasons to the answers.
    max_rows : int, optional
        Most requests of a batch; by default the limit of the server holds.
    runs_in_thread : callable, optional
        ``(request) -> bool``: whether a request without reasons is slow and runs in a thread.
    distribution : tuple of two str, optional
        Kind and field of the number whose distribution the service reports, as in `Endpoint`.
    decision : callable, optional
        ``(request, answer) -> mapping``: what the decision log keeps of an answer.

    Returns
    -------
    Endpoint
        Without rules; it reads the champion of ``entry.name`` alone.

    Examples
    --------
    >>> from pydantic import BaseModel
    >>> from ml.registry import ENTRIES
    >>> from ml.requests import request_model
    >>> class Score(BaseModel):
    ...     probability: float
    >>> endpoint = task_endpoint(
    ...     ENTRIES["lead_scoring"], request=lambda signature: request_model("Lead", signature), response=Score,
    ...     respond=lambda estimator, requests, *, explain: [Score(probability=0.5) for _ in requests], explains=True,
    ... )
    >>> endpoint.path, endpoint.explains, endpoint.max_rows
    ('', True, None)
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
        max_rows=max_rows,
        runs_in_thread=runs_in_thread,
        distribution=distribution,
        decision=decision,
    )


def respond_each(
    answer: Callable[[Champions, Request], Answer],
) -> Callable[[None, Champions, Sequence[Request], bool], Sequence[Answer]]:
    """Return a `respond` function that answers requests one by one and uses no rules.

    Parameters
    ----------
    answer : callable
        ``(champions, request) -> answer``, for one request.

    Returns
    -------
    callable
        ``(None, champions, requests, explain) -> list of answers``, in the order of the requests; for
        `Endpoint.respond`.

    Examples
    --------
    >>> respond_each(lambda champions, request: request)(None, {}, [1, 2], False)
    [1, 2]
    """
    return lambda rules, champions, requests, explain: [answer(champions, request) for request in requests]


def respond_each_by_rules(
    answer: Callable[[Rules, Champions, Request], Answer],
) -> Callable[[Rules, Champions, Sequence[Request], bool], Sequence[Answer]]:
    """Return a `respond` function that answers requests one by one by the rules of the endpoint.

    Parameters
    ----------
    answer : callable
        ``(rules, champions, request) -> answer``, for one request; `rules` is what `Endpoint.rules` returned.

    Returns
    -------
    callable
        ``(rules, champions, requests, explain) -> list of answers``, in the order of the requests; for
        `Endpoint.respond`.

    Examples
    --------
    >>> respond_each_by_rules(lambda rules, champions, request: rules + request)(10, {}, [1, 2], False)
    [11, 12]
    """
    return lambda rules, champions, requests, explain: [answer(rules, champions, request) for request in requests]
