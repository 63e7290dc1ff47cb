"""Files of estimators: parameters as JSON, LightGBM boosters as model text with checksums."""

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
    """Return an estimator's parameters ready for JSON: mappings become sorted lists of (key, value) pairs.

    `estimator` is any class with `get_params`, such as `ml.estimators.boosted_trees.BoostedTrees`, fitted or not.

    Examples
    --------
    >>> from ml.estimators.native_files import params_to_json
    >>> from ml.estimators.ranking_trees import RankingTrees
    >>> params_to_json(RankingTrees(monotone={1: -1}))["monotone"]
    [(1, -1)]
    """
    return {n: sorted(v.items()) if isinstance(v, Mapping) else v for n, v in estimator.get_params().items()}


def params_from_json(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return constructor parameters from the output of `params_to_json`: lists as tuples, `monotone` as a mapping.

    Examples
    --------
    >>> from ml.estimators.native_files import params_from_json
    >>> params_from_json({"seed": 7, "categorical": [2, 3], "monotone": [[1, -1]]})
    {'seed': 7, 'categorical': (2, 3), 'monotone': {1: -1}}
    """
    monotone = None if params["monotone"] is None else {int(k): int(v) for k, v in params["monotone"]}
    return {n: tuple(v) if isinstance(v, list) else v for n, v in params.items()} | {"monotone": monotone}


def trees_to_files(
    estimator: SklearnEstimator, name: str, boosters: Mapping[str, lgb.Booster], **learned: Any
) -> dict[str, bytes]:
    """Return the files of a fitted tree estimator.

    Parameters
    ----------
    estimator : SklearnEstimator
        Fitted, with the attribute `n_features_in_`, such as `ml.estimators.boosted_trees.BoostedTrees`; `to_files` of
        these classes calls this function.
    name : str
        Name of the JSON file, without its extension.
    boosters : mapping of str to lightgbm.Booster
        Booster by file name.
    **learned
        Further entries of the JSON file.

    Returns
    -------
    dict of str to bytes
        Content by file name: `<name>.json` with parameters and SHA-256 checksums, and one text per booster.

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
    """Read the files that `trees_to_files` returned.

    Parameters
    ----------
    kind : type
        Class of the estimator, such as `ml.estimators.boosted_trees.BoostedTrees`; its `from_files` calls this
        function.
    files : mapping of str to bytes
        Content by file name.
    name : str
        Name of the JSON file, without its extension.
    members : callable
        `members(estimator)`, the names of the booster files of an estimator with the stored parameters.
    learned : collection of str
        Names of the further entries of the JSON file.

    Returns
    -------
    estimator : SklearnEstimator
        With the stored parameters; the caller sets its fitted attributes.
    boosters : tuple of lightgbm.Booster
        In the order of `members`.
    state : dict
        Content of the JSON file.

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
        raise damaged(place, f"its parameters are not the parameters of {name}")
    try:
        restored = kind(**params_from_json(state["params"]))
        checksums = {file: state["sha256"][file] for file in members(restored)}
    except (KeyError, TypeError, ValueError) as e:
        raise damaged(place, f"its parameters or checksums have the wrong types ({e!r})") from None
    return restored, tuple(_booster(files, place, state, *each) for each in checksums.items()), state


def _booster(files: Mapping[str, bytes], place: str, state: Mapping[str, Any], file: str, checksum: str) -> lgb.Booster:
    import lightgbm as lgb

    content = content_of(files, file)
    # LightGBM aborts the whole process on some damaged texts: verify before parsing.
    if sha256(content).hexdigest() != checksum:
        raise damaged(file, f"its SHA-256 checksum differs from the one in {place}")
    booster = lgb.Booster(model_str=content.decode())
    if booster.num_feature() != state["n_features"]:
        raise damaged(place, f"n_features is {state['n_features']}, but {file} has {booster.num_feature()} features")
    return booster
