"""Who has the title: the ledger says it, the registry's aliases repeat it.

The ledger is written first and is what counts. If a program dies before the aliases are set, whatever decides next
sets them: `settle` makes the registry say what the ledger's last line says.
"""

from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipelines import ledger, paths, registry, store
from pipelines.exclusive import exclusive
from pipelines.ledger import Line
from pipelines.lineage import work_tree
from pipelines.registry import CHAMPION, PREVIOUS
from pipelines.store import Version
from restereo.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

MARK = "ledger"
"""Tag of a version: hash of the line that made it champion."""
LOCK_SECONDS = 300.0
REMEMBERED = ("git_rev", "git_dirty", "data_sha256", "params_sha256", "weights_sha256")
"""Tags of a version that its lines in the ledger repeat."""


def alone() -> AbstractContextManager[None]:
    """Lets one process at a time decide: each reads the ledger's last line and adds the next."""
    busy = "another promotion or rollback still runs; wait and run again"
    return exclusive(paths.DATA / ".ledger.lock", LOCK_SECONDS, busy)


def standing(
    client: "MlflowClient", lines: list[Line], task: str, anew: bool = False
) -> tuple[Version | None, tuple[str, ...]]:
    """Returns the champion by the ledger, and notes on what in the registry says otherwise.

    Without a line on the task, whoever has the alias is champion.

    Raises:
        UserError: The registry follows lines that are not in this ledger, or the champion's model is lost.
    """
    holder, move = registry.find_by_alias(client, task, CHAMPION), ledger.last_move(lines, task)
    mark = registry.tags(client, holder).get(MARK) if holder else None
    if mark and mark not in {line.sha256 for line in lines}:
        behind = "run `git pull` first: this ledger is older, or another one"
        raise UserError(f"{paths.LEDGER}: {holder} became champion by a line that is not in it; {behind}.")
    if move is None:
        return holder, (f"{holder} has the title without a line in {paths.LEDGER}.",) if holder else ()
    champion = registry.find_by_content_key(client, task, move.key(CHAMPION) or "")
    if champion is None:
        if anew:
            return None, (f"The champion of line {move.number} is lost; the title is open.",)
        model = move.content[CHAMPION]
        lost = f"the champion of line {move.number} (recipe {model['recipe']}, code {model['git_rev'][:12]})"
        ways = "check that revision out and register it again, or decide without it with `promote --anew`"
        raise UserError(f"{task}: {lost} is not in the registry; {ways}.")
    if holder is None or holder.content_key != champion.content_key:
        return champion, (f"The ledger's champion is {champion}, but the alias was {holder or 'nobody'}'s.",)
    return champion, ()


def settle(client: "MlflowClient", lines: list[Line], task: str) -> None:
    """Makes the registry say what the ledger says: aliases `champion` and `previous`. May be called at any time."""
    move = ledger.last_move(lines, task)
    if move is None:
        return
    for role in (CHAMPION, PREVIOUS):
        key, holder = move.key(role), registry.find_by_alias(client, task, role)
        version = registry.find_by_content_key(client, task, key) if key else None
        if version and role == CHAMPION and registry.tags(client, version).get(MARK) != move.sha256:
            registry.set_tag(client, version, MARK, move.sha256)
        if version and (holder is None or holder.number != version.number):
            registry.set_alias(client, version, role)
        elif holder and version is None:
            registry.remove_alias(client, holder, role)


def memory(client: "MlflowClient", version: Version) -> dict[str, Any]:
    """Returns what a line of the ledger says of a version."""
    tags = registry.tags(client, version)
    named = {key: value for key, value in asdict(version).items() if key in ("content_key", "recipe", "run_id")}
    return {**named, "version": version.number, **{key: tags.get(key, "unknown") for key in REMEMBERED}}


def entry(task: str, action: str, **rest: Any) -> dict[str, Any]:
    """Returns what a line says of a task, with the time and the code's revision.

    Example:
        >>> sorted(entry("anaglyph", "rollback", champion=None))
        ['action', 'champion', 'code', 'task', 'time']
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"time": now, "task": task, "action": action, "code": work_tree()["git_rev"], **rest}


def rollback(task: str, reason: str = "") -> Line:
    """Returns the line that makes the previous champion of a task champion again; once more undoes it.

    Raises:
        UserError: There is no previous champion, its model is lost, or the ledger is damaged.
    """
    from pipelines import tracking

    with alone():
        client, lines = tracking.connect(store.default_store()), ledger.read()
        champion, _ = standing(client, lines, task, anew=True)
        settle(client, lines, task)
        move = ledger.last_move(lines, task)
        if move is None or move.key(PREVIOUS) is None:
            raise UserError(f"{paths.LEDGER}: task '{task}' had no champion before this one; there is no way back.")
        before = move.content[PREVIOUS]
        version = registry.find_by_content_key(client, task, before["content_key"])
        if version is None or not version.is_there:
            lost = f"recipe {before['recipe']}, code {before['git_rev'][:12]}"
            raise UserError(f"{task}: the previous champion ({lost}) is not in the registry; register it again first.")
        old = memory(client, champion) if champion else move.content[CHAMPION]
        line = ledger.append(
            entry(task, "rollback", champion=memory(client, version), previous=old, challenger=None, reason=reason)
        )
        settle(client, [*lines, line], task)
        return line


def disagreements(tasks: list[str], repair: bool = False) -> list[str]:
    """Returns a sentence for each alias that says something else than the ledger.

    Args:
        tasks: Registered models.
        repair: Set the aliases as the ledger says.
    """
    from pipelines import tracking

    said: list[str] = []
    if not tasks:  # nothing was ever decided: no store is made just to say so
        return said
    with alone():
        client, lines = tracking.connect(store.default_store()), ledger.read()
        for task in tasks:
            if repair:
                standing(client, lines, task)
                settle(client, lines, task)
            move = ledger.last_move(lines, task)
            for role in (CHAMPION, PREVIOUS):
                holder, key = registry.find_by_alias(client, task, role), move.key(role) if move else None
                if (holder.content_key if holder else None) != key:
                    ours = (move.content[role] if move else None) or {"recipe": "nobody", "version": "-"}
                    what = f"{ours['recipe']}, version {ours['version']}" if key else "nobody"
                    said.append(f"{task}: the alias '{role}' is {holder or 'nobody'}'s; by the ledger it is {what}'s.")
    return said
