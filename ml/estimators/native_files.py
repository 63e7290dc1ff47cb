"""Parameters as JSON and LightGBM boosters as model text: the files of the estimators of this package."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from ml.artefacts.json_files import content_of, damaged, from_json, to_json
from ml.estimators.contract import SklearnEstimator, check_is_fitted

if TYPE_CHECKING:
    import lightgbm as lgb

Trees = TypeVar("Trees", bound=SklearnEstimator)


def params_to_json(estimator: SklearnEstimator) -> dict[str, Any]:
    """Return the parameters as JSON holds them: a mapping by column as sorted pairs."""
    return {n: sorted(v.items()) if isinstance(v, Mapping) else v for n, v in estimator.get_params().items()}


def params_from_json(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that `params_to_json` wrote, with tuples and the mapping `monotone`."""
    monotone = None if params["monotone"] is None else {int(k): int(v) for k, v in params["monotone"]}
    return {n: tuple(v) if isinstance(v, list) else v for n, v in params.items()} | {"monotone": monotone}


def trees_to_files(
    estimator: SklearnEstimator, name: str, boosters: Mapping[str, lgb.Booster], **learned: Any
) -> dict[str, bytes]:
    """Return the files of an estimator of trees.

    Parameters
    ----------
    estimator
        Fitted, with `n_features_in_`.
    name
        Of the JSON file, without its ending.
    boosters
        Boosters by the names of their files.
    learned
        What else belongs in the JSON file.

    Raises
    ------
    NotFittedError
        The estimator is not fitted.
    """
    check_is_fitted(estimator)
    texts = {file: booster.model_to_string().encode() for file, booster in boosters.items()}
    state = {
        "params": params_to_json(estimator),
        "n_features": vars(estimator)["n_features_in_"],
        "sha256": {file: sha256(text).hexdigest() for file, text in texts.items()},
    }
    return {f"{name}.json": to_json(state | learned)} | texts


def trees_from_files(
    kind: type[Trees],
    files: Mapping[str, bytes],
    name: str,
    *,
    members: Callable[[Any], Sequence[str]],
    learned: Collection[str] = (),
) -> tuple[Trees, tuple[lgb.Booster, ...], dict[str, Any]]:
    """Return the estimator that `trees_to_files` wrote, not yet fitted, its boosters, and the content of the JSON file.

    Parameters
    ----------
    kind
        Class of the estimator.
    files
        The files by name.
    name
        Of the JSON file, without its ending.
    members
        Files of the boosters of an estimator with the parameters read.
    learned
        Further keys of the JSON file.

    Raises
    ------
    ModelNotFound
        A file is missing.
    DataError
        A file is damaged.
    """
    place = f"{name}.json"
    state = from_json(files, place, keys=frozenset({"params", "n_features", "sha256", *learned}))
    if not isinstance(state["params"], dict) or set(state["params"]) != set(kind._defaults()):
        raise damaged(place, f"its parameters are not those of {name}")
    try:
        restored = kind(**params_from_json(state["params"]))
        checksums = {file: state["sha256"][file] for file in members(restored)}
    except (KeyError, TypeError, ValueError) as e:
        raise damaged(place, f"its parameters or checksums have the wrong types ({e!r})") from None
    return restored, tuple(_booster(files, place, state, *each) for each in checksums.items()), state


def _booster(files: Mapping[str, bytes], place: str, state: Mapping[str, Any], file: str, checksum: str) -> lgb.Booster:
    import lightgbm as lgb

    content = content_of(files, file)
    # LightGBM aborts the whole process on some damaged texts, so nothing unverified may reach it.
    if sha256(content).hexdigest() != checksum:
        raise damaged(file, f"its checksum is not the one in {place}")
    booster = lgb.Booster(model_str=content.decode())
    if booster.num_feature() != state["n_features"]:
        raise damaged(place, f"it speaks of {state['n_features']} features, {file} has {booster.num_feature()}")
    return booster
