"""`chehang score`: answers of a version to a file of rows, written to a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from features.errors import ConfigError
from ml.model import Model
from training.answer_files import check_answer_path, write_answers
from training.config import TaskConfig
from training.progress import Progress
from training.study import study_of


def score(
    model: Model,
    config: TaskConfig,
    *,
    data: Path | None,
    out: Path,
    as_of: datetime | None = None,
    progress: Progress | None = None,
) -> int:
    """Answer rows of the task's tables with a version, and write the answers whole.

    Parameters
    ----------
    model : Model
        From the registry.
    config : TaskConfig
        Its sources say how columns are mapped and checked.
    data : Path, optional
        A file in place of the table whose rows are answered, of the same shape.
    out : Path
        `.parquet` or `.csv`.
    as_of : datetime, optional
        Answer as of this instant.

    Returns
    -------
    int
        Rows written. `Study.score` says what they are, and what `data` and `as_of` mean for each kind of problem.

    Raises
    ------
    DataError, ConfigError
        Nothing was written.
    """
    check_answer_path(out)
    if data is not None and out.resolve() == data.resolve():
        raise ConfigError(f"--out {out}: is the file that --data reads; give another")
    answers = study_of(config).score(model, config, data=data, as_of=as_of, progress=progress)
    write_answers(answers, out)
    return int(answers.height)
