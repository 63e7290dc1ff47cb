"""What to do about alarms, in both languages."""

from __future__ import annotations

from collections.abc import Sequence

from ml.bilingual import Text
from training.monitoring.series import MonitoredSeries

NOT_TESTED = Text(
    zh="行数太少，没有任何项目可以检验：在 monitor.yaml 中调高 months，或调低 minimum_rows。",
    en="There are too few rows to test anything: raise months, or lower minimum_rows, in monitor.yaml.",
)
QUIET = Text(zh="没有发现异常，无需处理。", en="Nothing has changed by more than chance: nothing to do.")


def advice_of(
    alarms: Sequence[MonitoredSeries], *, task: str, source_alarm: Text | None, ripe_month: str | None, tested: int
) -> tuple[Text, ...]:
    """Return what to do about the alarms of a run.

    Parameters
    ----------
    alarms : sequence of MonitoredSeries
        Series with an alarm in the last month.
    task : str
        Name of the model.
    source_alarm : Text or None
        Why the source must be checked.
    ripe_month : str or None
        Last month whose outcomes were judged; None without one.
    tested : int
        Number of series that were tested.

    Returns
    -------
    tuple of Text
        At least one sentence.

    Examples
    --------
    >>> advice_of([], task="credit_risk", source_alarm=None, ripe_month=None, tested=3)[0].en
    'Nothing has changed by more than chance: nothing to do.'
    """
    texts = [] if source_alarm is None else [source_alarm]
    since = min((s.since for s in alarms if s.since is not None), default="")
    features = [s for s in alarms if s.name.startswith("feature.")]
    scores = [s for s in alarms if s.name == "score"]
    worse = [s for s in alarms if s.group == "performance"]
    if features:
        names = Text(
            zh="、".join(s.axis.title.zh for s in features[:3]), en=", ".join(s.axis.title.en for s in features[:3])
        )
        texts.append(
            Text(
                zh=f"先检查数据源：{names.zh} 自 {since} 起与训练期不同。"
                "问清是口径、系统或政策变了，还是客户真的变了。",
                en=f"Check the source first: {names.en} differ from the training period since {since}. Ask whether a "
                "definition, a system or a rule changed, or the customers did.",
            )
        )
    if worse:
        texts.append(
            Text(
                zh=f"模型的预测不再符合实际：在变化之后的数据上重新训练（chehang train {task}），"
                "在此之前对自动决定从严。",
                en=f"The predictions no longer fit what happened: train again on data after the change (chehang train "
                f"{task}), and be stricter with automatic decisions until then.",
            )
        )
    elif scores:
        texts.append(
            Text(
                zh="模型的预测分布变了：检查受影响的特征，并关注结果成熟后的校准。",
                en="The predictions themselves have shifted: look at the features behind it, and at the calibration "
                "once outcomes ripen.",
            )
        )
    if (features or scores) and not worse:
        texts.append(
            Text(
                zh="结果尚未成熟，还不能判断预测是否变差；若变化持续三个月，请重新训练。",
                en="Outcomes after the change are not ripe, so whether the predictions became worse is open; "
                "train again if the change lasts three months.",
            )
            if ripe_month is None or ripe_month < since
            else Text(
                zh="到目前为止，已成熟的结果没有变差；若变化持续三个月，请重新训练。",
                en="Ripe outcomes are no worse so far; train again if the change lasts three months.",
            )
        )
    return tuple(texts) if texts else (QUIET if tested else NOT_TESTED,)
