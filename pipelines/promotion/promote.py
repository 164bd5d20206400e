"""A challenger becomes champion only if it is better: compare, decide, write it down, set the aliases."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines import paths
from pipelines.display import markdown_table
from pipelines.promotion import ledger
from pipelines.promotion.aliases import current_champion, decision_lock, model_of, settle
from pipelines.promotion.decision import Check, Verdict
from pipelines.promotion.ledger import Entry
from pipelines.tracking.client import CHALLENGER, connect, find_by_alias, versions
from pipelines.tracking.lineage import content_key
from pipelines.tracking.store import Version
from restereo import catalog
from restereo.config import Params, load_params
from restereo.errors import UserError, nearest

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Decision:
    """What came of a comparison.

    Attributes:
        task: The registered model.
        challenger: The version that was compared with the champion.
        champion: Who was champion; None if nobody was.
        against: What the challenger was compared with: the champion, or a baseline's name.
        verdict: The verdict.
        entry: What was written to the log; None if nothing was.
        notes: What else a person should know.
    """

    task: str
    challenger: Version
    champion: Version | None
    against: str
    verdict: Verdict
    entry: Entry | None = None
    notes: tuple[str, ...] = ()


def promote(what: str, dry_run: bool = False, again: bool = False, anew: bool = False) -> Decision:
    """Returns the decision on a task's challenger, after it was carried out unless `dry_run`.

    Args:
        what: A task, whose version `challenger` is meant, or a recipe, whose newest version is.
        dry_run: Write nothing and move no alias.
        again: Compare also what the log has the answer to, and accept a model that was rolled back.
        anew: The champion's model is lost: compare with the plainest baseline, as if there were none.

    Raises:
        UserError: There is nothing to compare, the log is damaged, or the registry is ahead of it.
    """
    from pipelines.promotion.compare import compare_versions

    params = load_params()
    task = task_named(what, params)
    with decision_lock():
        client, entries = connect(), ledger.read()
        champion, notes = current_champion(client, entries, task, anew)
        if not dry_run:
            settle(client, entries, task)
        challenger = challenger_of(client, task, None if what == task else what)
        known = verdict_without_comparison(entries, task, champion, challenger, again)
        if known:
            return Decision(task, challenger, champion, str(champion), known, notes=notes)
        question = question_digest(task, champion, challenger, params)
        refusal = ledger.refusal(entries, question)
        if refusal and refusal.verdict and not again:
            same = f"line {refusal.line} of {paths.LEDGER} is on the same two models, test pictures, margins and code"
            notes = (*notes, f"Nothing new: {same}; `--again` compares once more.")
            return Decision(task, challenger, champion, refusal.against, refusal.verdict, notes=notes)
        verdict, against = compare_versions(task, champion, challenger, params)
        decision = Decision(task, challenger, champion, against, verdict, notes=notes)
        if dry_run or (refusal and not verdict.promote):  # the same refusal is not written twice
            return decision
        return carry_out(client, entries, decision, params, question)


def verdict_without_comparison(
    entries: list[Entry], task: str, champion: Version | None, challenger: Version, again: bool
) -> Verdict | None:
    """Returns the refusal of a challenger that is champion already, or was rolled back; None of any other."""
    if champion and champion.content_key == challenger.content_key:
        return Verdict("refuse", f"nothing to decide: {challenger} is the champion already.", 0, ())
    earlier = ledger.rolled_back(entries, task, challenger.content_key)
    if earlier is None or again:
        return None
    when = f"on {earlier.time} (line {earlier.line} of {paths.LEDGER})"
    return Verdict("refuse", f"it was rolled back {when}; `--again` lets it win once more.", 0, ())


def question_digest(task: str, champion: Version | None, challenger: Version, params: Params) -> str:
    """Returns a digest of all that a comparison depends on, but for how fast the machine is just then.

    The two models, the test pictures and which of them show one scene, the margins, the code that answers and judges.
    """
    from pipelines.promotion.compare import groups_of
    from restereo.digests import key_of

    pictures = sorted(paths.pairs(task).glob("test-*.safetensors"))
    facts = {
        "models": [None if one is None else one.content_key for one in (champion, challenger)],
        "test": content_key({file.name: file for file in pictures}),
        "groups": dict(groups_of(paths.MANIFEST)),
        "settings": params.promotion.model_dump(mode="json"),
        "seed": params.seed,
    }
    able = [catalog.module_of("model", name) for name in catalog.names("model")]
    judge = catalog.module_of("task", params.kinds[task])
    deciding = ("pipelines.promotion.compare", "pipelines.promotion.decision")
    return key_of(facts, *deciding, "restereo.inference.engine", judge, *able)


def task_named(what: str, params: Params) -> str:
    """Returns the task of this name, or the task of the recipe of this name.

    Raises:
        UserError: It is neither.
    """
    if what in params.tasks:
        return what
    if what in params.recipes:
        return params.recipes[what].task
    raise UserError(f"params.yaml: no task or recipe '{what}': {nearest(what, [*params.tasks, *params.recipes])}.")


def challenger_of(client: "MlflowClient", task: str, recipe: str | None) -> Version:
    """Returns the version that has the alias `challenger`, or the newest one of a recipe.

    Raises:
        UserError: There is none.
    """
    if recipe is None:
        found = find_by_alias(client, task, CHALLENGER)
        stage = f"register@*{task}*"
    else:
        found = next((one for one in versions(client, task) if one.recipe == recipe), None)
        stage = f"register@{recipe}"
    if found is None:
        missing = f"no version of recipe '{recipe}'" if recipe else "no version is the challenger"
        raise UserError(f"{task}: {missing}; run `dvc --wait-for-lock repro --glob '{stage}'` first.")
    return found


def carry_out(
    client: "MlflowClient", entries: list[Entry], decision: Decision, params: Params, question: str
) -> Decision:
    """Returns the decision with its entry, after writing the entry and setting the aliases."""
    old = None if decision.champion is None else model_of(client, decision.champion)
    new, wins = model_of(client, decision.challenger), decision.verdict.promote
    last = ledger.last_move(entries, decision.task)
    entry = ledger.append(
        Entry.now(
            task=decision.task,
            action="promote" if wins else "refuse",
            challenger=new,
            champion=new if wins else old,
            previous=old if wins else (last.previous if last else None),
            against=decision.against,
            verdict=decision.verdict,
            settings=params.promotion.model_dump(mode="json"),
            question=question,
        )
    )
    settle(client, [*entries, entry], decision.task)
    return replace(decision, entry=entry)


def markdown(decision: Decision) -> str:
    """Returns the decision as a page: one line, and a table of everything that was asked."""
    lines = [f"**{headline(decision)}**", "", *(f"- {note}" for note in decision.notes), ""]
    if checks := decision.verdict.checks:
        head = ["", decision.against, str(decision.challenger), "better by", "least", ""]
        lines.append(markdown_table(head, *map(cells, checks)))
    return "\n".join(lines)


def headline(decision: Decision) -> str:
    """Returns the decision in one line."""
    won = {"promote": "is the new champion" if decision.entry else "would be the new champion"}
    return f"{decision.challenger} {won.get(decision.verdict.outcome, 'is refused')}: {decision.verdict.reason}"


def cells(check: Check) -> list[str]:
    """Returns a check as the cells of a table; what is not known is a dash.

    Example:
        >>> cells(Check("size in bytes", 1000.0, 1500.0, -0.5, -0.25, False))
        ['size in bytes', '1,000', '1,500', '-0.50', '-0.25', '✗']
    """
    large = max(abs(value or 0.0) for value in (check.champion, check.challenger)) >= 1000
    figures = [
        "–" if value is None else f"{value:,.0f}" if large else f"{value:.3f}"
        for value in (check.champion, check.challenger)
    ]
    change = "–" if check.change is None else f"{check.change:+.2f}"
    return [check.name, *figures, change, f"{check.limit:+.2f}", "✓" if check.passed else "✗"]
