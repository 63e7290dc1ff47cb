"""Times at which the stages of a request begin, noted only for requests that are traced."""

from __future__ import annotations

import time

from serving.asgi import Scope


def begin_stage(scope: Scope, stage: str) -> None:
    """Note that a stage of a request begins, which ends the one before; does nothing for a request without trace.

    >>> scope = {"stages": []}
    >>> begin_stage(scope, "parsing")
    >>> scope["stages"][0][0]
    'parsing'
    >>> begin_stage({}, "parsing")
    """
    stages = scope.get("stages")
    if stages is not None and (not stages or stages[-1][0] != stage):
        stages.append((stage, time.time_ns()))
