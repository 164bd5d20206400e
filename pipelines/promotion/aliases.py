"""The aliases `champion` and `previous`: the log of decisions says who has them, MLflow's registry repeats it.

The log is written first and is what counts. If a program dies before the aliases are set, whatever decides next
sets them: `settle` makes the registry say what the log's last line says.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from pipelines import paths
from pipelines.environment import exclusive
from pipelines.promotion import ledger
from pipelines.promotion.ledger import Entry, Model
from pipelines.tracking.client import CHAMPION, PREVIOUS, connect, find_by_alias, find_by_content_key, tags
from pipelines.tracking.store import Version
from restereo.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

MARK = "ledger"
"""Tag of a version: id of the entry that made it champion."""
LOCK_SECONDS = 300.0


def decision_lock() -> AbstractContextManager[None]:
    """Lets one process at a time decide: each reads the log's last line and adds the next."""
    busy = "another promotion or rollback still runs; wait and run again"
    return exclusive(paths.DATA / ".ledger.lock", LOCK_SECONDS, busy)


def current_champion(
    client: "MlflowClient", entries: list[Entry], task: str, anew: bool = False
) -> tuple[Version | None, tuple[str, ...]]:
    """Returns the champion by the log, and notes on what in the registry says otherwise.

    Without an entry on the task, the version with the alias is champion.

    Raises:
        UserError: The registry follows entries that are not in this log, or the champion's model is lost.
    """
    holder, move = find_by_alias(client, task, CHAMPION), ledger.last_move(entries, task)
    mark = tags(client, holder).get(MARK) if holder else None
    if mark and mark not in {entry.id for entry in entries}:
        behind = "run `git pull` first: this ledger is older, or another one"
        raise UserError(f"{paths.LEDGER}: {holder} became champion by a line that is not in it; {behind}.")
    if move is None:
        return holder, (f"{holder} is champion without a line in {paths.LEDGER}.",) if holder else ()
    model = move.champion
    champion = find_by_content_key(client, task, model.content_key) if model else None
    if model and champion is None:
        if anew:
            return None, (f"The champion of line {move.line} is lost; any challenger may take its place.",)
        lost = f"the champion of line {move.line} (recipe {model.recipe}, code {model.git_rev[:12]})"
        ways = "check that revision out and register it again, or decide without it with `promote --anew`"
        raise UserError(f"{task}: {lost} is not in the registry; {ways}.")
    if champion and (holder is None or holder.content_key != champion.content_key):
        return champion, (f"The ledger's champion is {champion}, but the alias was {holder or 'nobody'}'s.",)
    return champion, ()


def settle(client: "MlflowClient", entries: list[Entry], task: str) -> None:
    """Sets the registry's aliases `champion` and `previous` as the log says. May be called at any time."""
    move = ledger.last_move(entries, task)
    if move is None:
        return
    for role, model in ((CHAMPION, move.champion), (PREVIOUS, move.previous)):
        holder = find_by_alias(client, task, role)
        version = find_by_content_key(client, task, model.content_key) if model else None
        if version and role == CHAMPION and tags(client, version).get(MARK) != move.id:
            client.set_model_version_tag(task, str(version.number), MARK, move.id)
        if version and (holder is None or holder.number != version.number):
            client.set_registered_model_alias(task, role, str(version.number))
        elif holder and version is None:
            client.delete_registered_model_alias(task, role)


def model_of(client: "MlflowClient", version: Version) -> Model:
    """Returns what an entry says of a version."""
    found = {name: value for name, value in tags(client, version).items() if name in Model.model_fields}
    mine = {"content_key": version.content_key, "recipe": version.recipe, "run_id": version.run_id}
    return Model.model_validate({**found, **mine, "version": version.number})


def rollback(task: str, reason: str = "") -> Entry:
    """Returns the entry that makes the previous champion of a task champion again; once more undoes it.

    Raises:
        UserError: There is no previous champion, its model is lost, or the log is damaged.
    """
    with decision_lock():
        client, entries = connect(), ledger.read()
        champion, _ = current_champion(client, entries, task, anew=True)
        settle(client, entries, task)
        move = ledger.last_move(entries, task)
        if move is None or move.previous is None:
            raise UserError(f"{paths.LEDGER}: task '{task}' had no champion before this one; there is no way back.")
        version = find_by_content_key(client, task, move.previous.content_key)
        if version is None or not version.is_there:
            lost = f"recipe {move.previous.recipe}, code {move.previous.git_rev[:12]}"
            raise UserError(f"{task}: the previous champion ({lost}) is not in the registry; register it again first.")
        old, new = model_of(client, champion) if champion else move.champion, model_of(client, version)
        entry = ledger.append(Entry.now(task=task, action="rollback", champion=new, previous=old, reason=reason))
        settle(client, [*entries, entry], task)
        return entry


def disagreements(tasks: list[str], repair: bool = False) -> list[str]:
    """Returns a message for each alias that says something else than the log.

    Args:
        tasks: Registered models.
        repair: Set the aliases as the log says.
    """
    messages: list[str] = []
    if not tasks:  # nothing was ever decided: no store is made just to say so
        return messages
    with decision_lock():
        client, entries = connect(), ledger.read()
        for task in tasks:
            if repair:
                current_champion(client, entries, task)
                settle(client, entries, task)
            move = ledger.last_move(entries, task)
            for role, model in ((CHAMPION, move and move.champion), (PREVIOUS, move and move.previous)):
                holder = find_by_alias(client, task, role)
                if (holder.content_key if holder else None) != (model.content_key if model else None):
                    ours = f"{model.recipe}, version {model.version}" if model else "nobody"
                    alias = f"{task}: the alias '{role}' is {holder or 'nobody'}'s"
                    messages.append(f"{alias}; by the ledger it is {ours}'s.")
    return messages
