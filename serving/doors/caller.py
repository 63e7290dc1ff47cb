"""The caller of a request, as the doors have recognised it."""

from __future__ import annotations

from typing import NamedTuple


class Caller(NamedTuple):
    """The owner of a valid key or token; the guard puts it into ``scope["caller"]``.

    Without doors, as in a process that calls the application itself, the scope has no caller, and everything is
    allowed.

    Attributes
    ----------
    key_id : str
        Identifier of the key for logs, such as `k_7f3a9c21`; it is no secret. `jwt:` and the subject for a token.
    name : str
        Name of the key for people, such as `desk S0001`.
    role : str
        Role of the key, such as `sales`.
    scopes : frozenset of str
        What the caller may do, such as `credit_risk` or `decisions:read`.
    stores : frozenset of str or None
        Stores whose data the caller may use; None for all.

    Examples
    --------
    >>> desk = Caller("k_1", "desk", "sales", frozenset({"lead_scoring"}), frozenset({"S0001"}))
    >>> "credit_risk" in desk.scopes
    False
    """

    key_id: str
    name: str
    role: str
    scopes: frozenset[str]
    stores: frozenset[str] | None
