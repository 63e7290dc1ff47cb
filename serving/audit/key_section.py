"""Section of the audit report on the API keys of the service."""

from __future__ import annotations

from collections.abc import Iterable

from ml.bilingual import Text
from ml.report.columns import column
from ml.report.sections import Table
from serving.audit.periods import Period
from serving.doors.key_store import StoredKey


def key_section(keys: Iterable[StoredKey], period: Period) -> Table:
    """Return the API keys with role, limits and history; texts of keys are stored nowhere.

    Parameters
    ----------
    keys : iterable of StoredKey
        As returned by `KeyStore.all_keys`.
    period : Period
        Its time zone is that of the times.
    """

    def shown(at: int | None) -> str | None:
        return None if at is None else period.shown(at)

    rows = tuple(
        {
            "key": key.key_id,
            "name": key.name,
            "role": key.role,
            "scopes": None if key.scopes is None else ", ".join(key.scopes),
            "stores": None if key.stores is None else ", ".join(key.stores),
            "created": shown(key.created_at),
            "created_by": key.created_by,
            "expires": shown(key.expires_at),
            "revoked": shown(key.revoked_at),
            "revoked_by": key.revoked_by,
            "replaced_by": key.replaced_by,
            "last_used": shown(key.last_used_at),
        }
        for key in keys
    )
    names = (
        ("key", "编号", "key"),
        ("name", "名称", "name"),
        ("role", "角色", "role"),
        ("scopes", "限定权限", "limited to scopes"),
        ("stores", "限定门店", "limited to stores"),
        ("created", "创建时间", "created"),
        ("created_by", "创建人", "created by"),
        ("expires", "到期", "expires"),
        ("revoked", "吊销时间", "revoked"),
        ("revoked_by", "吊销人", "revoked by"),
        ("replaced_by", "替换为", "replaced by"),
        ("last_used", "最近使用", "last used"),
    )
    return Table(
        name="keys",
        title=Text(zh="接口密钥及其历史", en="API keys and their history"),
        columns=tuple(column(*name) for name in names),
        rows=rows,
    )
