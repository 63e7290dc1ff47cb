"""Python API of Chehang: load configurations, train models, and use the promoted ones.

The functions are imported on first use, so that ``import chehang`` takes milliseconds.

Examples
--------
>>> import chehang
>>> [task.name for task in chehang.tasks()][:3]
['recommendation', 'lead_scoring', 'credit_risk']
>>> config = chehang.load_config("credit_risk", settings=["split.seed=1"])
>>> config.split.seed
1

Train a version, promote it with the command ``chehang promote credit_risk``, and predict with it:

>>> trained = chehang.train(config)  # doctest: +SKIP
>>> chehang.load_champion("credit_risk").estimator.predict(rows)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ml.entry import TaskEntry
from ml.registry import ENTRIES, check_task

if TYPE_CHECKING:
    from ml.model import Model
    from training.config import load_config
    from training.train import train

    __version__: str

_PLACES = {"load_config": "training.config", "train": "training.train"}

__all__ = ["load_champion", "load_config", "tasks", "train"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("chehang")
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'chehang' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES, "__version__"])


def tasks() -> tuple[TaskEntry, ...]:
    """Return the registry entries of the tasks, each with `name`, `summary` (by language, `zh` and `en`) and `tables`.

    `tables` are the names of the raw tables that a task reads; `features.tables.TABLES` has their columns.

    >>> from chehang import tasks
    >>> tasks()[2].summary["en"]
    'Predict the probability that a borrower defaults, with reasons'
    """
    return tuple(ENTRIES.values())


def load_champion(task: str) -> Model:
    """Load the promoted version (champion) of a task.

    Parameters
    ----------
    task : str
        Name of the task, such as `credit_risk`; `tasks` lists them.

    Returns
    -------
    Model
        ``model.answers([request], explain=True)`` answers requests as the service does, where `request` is an instance
        of the pydantic model ``model.request()``; ``model.card["example"]`` has the fields of a valid request.
        ``model.estimator.predict(rows)`` predicts rows of the task's table; the estimator's class describes columns and
        units. ``model.card`` describes the training data and metrics.

    Raises
    ------
    ConfigError
        There is no such task, or the model registry cannot be read.
    ModelNotFound
        The task has no champion, or the model files differ from the registered checksums.

    Examples
    --------
    >>> import json
    >>> model = load_champion("credit_risk")  # doctest: +SKIP
    >>> request = model.request().model_validate_json(json.dumps(model.card["example"]))  # doctest: +SKIP
    >>> model.answers([request], explain=False)[0].probability_of_default  # doctest: +SKIP
    0.021
    """
    check_task(task)
    from ml import champions

    return champions.load(champions.version_or_champion(task))
