"""`chehang score`: batch predictions of a version for the rows of a table, written to a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import ConfigError
from ml.model import Model
from training.answer_files import check_answer_path, write_answers
from training.config import TaskConfig
from training.progress import Progress
from training.study import study_of

RULES = {"recommendation": "recommendation_rules.yaml"}  # tasks whose predictions depend on rules


def score(
    model: Model,
    config: TaskConfig,
    *,
    data: Path | None,
    out: Path,
    as_of: datetime | None = None,
    rules: Path | None = None,
    progress: Progress | None = None,
) -> int:
    """Predict the rows of the task's table with a version and write the predictions to a file.

    Parameters
    ----------
    model : Model
        As returned by ``ml.champions.load(ml.champions.champion("credit_risk"))``, of the task of `config`.
    config : TaskConfig
        As returned by ``training.config.load_config("credit_risk")``; its sources are read.
    data : Path or None
        File to read in place of the table to predict (applications, leads, cars, customers or sales), with the columns
        and format of its configured source. None reads the configured source.
    out : Path
        Output file, `.parquet` or `.csv`; written atomically, an existing file is replaced.
    as_of : datetime, optional
        Predict as of this instant (with UTC offset): only records before it are used, and only rows open then.
    rules : Path, optional
        File of rules, for a task in `RULES` alone; default: the one in the folder of the sources.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    int
        Number of rows written. Their columns are the keys of the table and the predictions; see
        `training.study.Study.score`.

    Raises
    ------
    DataError
        A table does not fit the version. Nothing is written.
    ConfigError
        The kind of problem has no such option, or `out` has another ending or equals `data`. Nothing is written.

    Examples
    --------
    Needs a promoted version and the tables of the sources.

    >>> from pathlib import Path
    >>> from ml import champions
    >>> from training.config import load_config
    >>> model = champions.load(champions.version_or_champion("credit_risk"))  # doctest: +SKIP
    >>> score(model, load_config("credit_risk"), data=None, out=Path("answers.csv"))  # doctest: +SKIP
    1250
    """
    check_answer_path(out)
    if data is not None and out.resolve() == data.resolve():
        raise ConfigError(f"--out {out}: is the input file of --data; choose another output file")
    if rules is not None and not rules.is_file():
        raise ConfigError(f"{rules}: no such file; pass an existing file of rules, or None")
    options: dict[str, Any] = {} if rules is None else {"rules": rules}
    answers = study_of(config).score(model, config, data=data, as_of=as_of, progress=progress, **options)
    write_answers(answers, out)
    return int(answers.height)
