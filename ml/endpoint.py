"""What the service answers beside the tasks' own routes: a typed question to one or more champions, or to none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel


class Champion(Protocol):
    """A promoted model as an endpoint sees it."""

    @property
    def version(self) -> int:
        """Version in the registry."""

    @property
    def estimator(self) -> Any:
        """What was learned."""

    @property
    def card(self) -> Mapping[str, Any]:
        """The model card."""


Champions = Mapping[str, Champion]


@dataclass(frozen=True)
class Endpoint:
    """One question of the service, `POST /v1/<path>`.

    Attributes
    ----------
    path : str
        Below `/v1/`.
    summary : mapping
        The question, by language (`zh`, `en`).
    needs : tuple of str
        Tasks that must have a champion; without one the answer is 503 with the command that makes it.
    uses : tuple of str
        Tasks whose champions are used where there are any.
    request : callable
        ``(champions) -> pydantic model`` of one request; made anew when a champion changes.
    response : type
        Pydantic model of the answer.
    respond : callable
        ``(champions, request) -> answer``; a `DataError` becomes a 422.
    example : callable
        ``(champions) -> mapping``: a request that is answered.
    page : callable, optional
        ``(answer) -> str``: the answer as a printable page, given to callers that accept `text/html`.
    """

    path: str
    summary: Mapping[str, str]
    request: Callable[[Champions], type[BaseModel]]
    response: type[BaseModel]
    respond: Callable[[Champions, Any], BaseModel]
    example: Callable[[Champions], Mapping[str, Any]]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    page: Callable[[Any], str] | None = None
