"""A challenger becomes champion only if it earned it: compare, decide, write it down, set the alias."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipelines import ledger, paths, registry, store
from pipelines.decision import Check, Verdict, decide
from pipelines.ledger import Line
from pipelines.lineage import content_key
from pipelines.registry import CHALLENGER, PREVIOUS
from pipelines.store import Version
from pipelines.title import alone, entry, memory, settle, standing
from restereo import catalog
from restereo.config import Params, load_params
from restereo.errors import UserError, nearest

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Decision:
    """What came of a challenge.

    Attributes:
        task: The registered model.
        challenger: Who wanted the title.
        champion: Who had it; None if nobody had.
        against: What it was compared with: the champion, or a baseline's name.
        verdict: The verdict.
        line: What now stands in the ledger; None if nothing was written.
        notes: What else a person should know.
    """

    task: str
    challenger: Version
    champion: Version | None
    against: str
    verdict: Verdict
    line: Line | None
    notes: tuple[str, ...] = ()


def promote(what: str, dry_run: bool = False, again: bool = False, anew: bool = False) -> Decision:
    """Returns the decision on a task's challenger, after it was carried out unless `dry_run`.

    Args:
        what: A task, whose version `challenger` is meant, or a recipe, whose newest version is.
        dry_run: Write nothing and move no alias.
        again: Compare also what the ledger has the answer to, and let a model win that was rolled back.
        anew: The champion's model is lost: compare with the plainest baseline, as if there were none.

    Raises:
        UserError: There is nothing to compare, the ledger is damaged, or the registry is ahead of it.
    """
    from pipelines import tracking

    params = load_params()
    task = task_named(what, params)
    with alone():
        client, lines = tracking.connect(store.default_store()), ledger.read()
        champion, notes = standing(client, lines, task, anew)
        if not dry_run:
            settle(client, lines, task)
        challenger = challenger_of(client, task, None if what == task else what)
        if champion and champion.content_key == challenger.content_key:
            verdict = Verdict("refuse", f"nothing to decide: {challenger} is the champion already.", 0, ())
            return Decision(task, challenger, champion, str(champion), verdict, None, notes)
        fallen = ledger.rolled_back(lines, task, challenger.content_key)
        if fallen and not again:
            when = f"on {fallen.content['time']} (line {fallen.number} of {paths.LEDGER})"
            verdict = Verdict("refuse", f"it was rolled back {when}; `--again` lets it win once more.", 0, ())
            return Decision(task, challenger, champion, str(champion), verdict, None, notes)
        asked = question(task, champion, challenger, params)
        if not again and (line := ledger.answer(lines, asked)):
            same = f"line {line.number} of {paths.LEDGER} is on the same two models, test pictures, margins and code"
            notes = (*notes, f"Nothing new: {same}; `--again` compares once more.")
            known = Verdict.from_json(line.content["verdict"])
            return Decision(task, challenger, champion, line.content["against"], known, None, notes)
        verdict, against = compare(task, champion, challenger, params)
        decision = Decision(task, challenger, champion, against, verdict, None, notes)
        return decision if dry_run else carry_out(client, lines, decision, params, asked)


def question(task: str, champion: Version | None, challenger: Version, params: Params) -> str:
    """Returns a digest of all that a comparison depends on, but for how fast the machine is just then.

    The two models, the test pictures and which of them show one scene, the margins, the code that answers and judges.
    """
    from pipelines.contest import groups_of
    from restereo.training.checkpoint import key_of

    pictures = sorted(paths.pairs(task).glob("test-*.safetensors"))
    facts = {
        "models": [None if one is None else one.content_key for one in (champion, challenger)],
        "test": content_key({file.name: file for file in pictures}),
        "groups": dict(groups_of(paths.MANIFEST)),
        "settings": params.promotion.model_dump(mode="json"),
        "seed": params.seed,
    }
    kinds: tuple[catalog.Kind, ...] = ("model", "baseline")
    able = [catalog.module_of(kind, name) for kind in kinds for name in catalog.names(kind)]
    judge = catalog.module_of("task", params.kinds[task])
    return key_of(facts, "pipelines.contest", "pipelines.decision", "restereo.inference.predictor", judge, *able)


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
        found = registry.find_by_alias(client, task, CHALLENGER)
        stage = f"register@*{task}*"
    else:
        found = next((one for one in registry.versions(client, task) if one.recipe == recipe), None)
        stage = f"register@{recipe}"
    if found is None:
        missing = f"no version of recipe '{recipe}'" if recipe else "no version is the challenger"
        raise UserError(f"{task}: {missing}; run `dvc --wait-for-lock repro --glob '{stage}'` first.")
    return found


def compare(task: str, champion: Version | None, challenger: Version, params: Params) -> tuple[Verdict, str]:
    """Returns the verdict, and what the challenger was compared with. Nothing is written but temporary files."""
    from pipelines import tracking
    from pipelines.contest import hold
    from restereo.inference.predictor import load_run

    with TemporaryDirectory() as folder:
        runs = [
            None if version is None else tracking.fetch(version, Path(folder, str(number)))
            for number, version in enumerate((champion, challenger))
        ]
        assert runs[1] is not None
        new = load_run(runs[1])
        plain = new.task.baselines[0]
        old = catalog.build("baseline", plain) if runs[0] is None else load_run(runs[0])
        duels = hold(old, new, new.task, paths.pairs(task))
        sizes = [None if run is None else float((run / "weights.safetensors").stat().st_size) for run in runs]
    verdict = decide(
        duels,
        (sizes[0], sizes[1]),
        new.task.headline,
        params.promotion,
        params.seed,
        guarded=champion is not None,
        better=new.task.better,
    )
    return verdict, plain if champion is None else str(champion)


def carry_out(client: "MlflowClient", lines: list[Line], decision: Decision, params: Params, asked: str) -> Decision:
    """Returns the decision with its line, after writing the line and setting the aliases.

    A refusal that the ledger holds already, as the answer to the same question, is not written again.
    """
    old = None if decision.champion is None else memory(client, decision.champion)
    new, wins = memory(client, decision.challenger), decision.verdict.promote
    last = ledger.last_move(lines, decision.task)
    content = entry(
        decision.task,
        "promote" if wins else "refuse",
        challenger=new,
        champion=new if wins else old,
        previous=old if wins else (last.content[PREVIOUS] if last else None),
        against=decision.against,
        verdict=decision.verdict.to_json(),
        settings=params.promotion.model_dump(mode="json"),
        question=asked,
    )
    if not wins and ledger.answer(lines, asked):
        return decision
    line = ledger.append(content)
    settle(client, [*lines, line], decision.task)
    return replace(decision, line=line)


def markdown(decision: Decision) -> str:
    """Returns the decision as a page: the sentence, and a table of everything that was asked."""
    verdict = decision.verdict
    lines = [f"**{headline(decision)}**", "", *(f"- {note}" for note in decision.notes), ""]
    if verdict.checks:
        lines += [
            f"| | {decision.against} | {decision.challenger} | better by | least | |",
            "|---|---:|---:|---:|---:|---|",
        ]
        lines += ["| " + " | ".join(cells(check)) + " |" for check in verdict.checks]
    return "\n".join(lines)


def headline(decision: Decision) -> str:
    """Returns the decision in one sentence."""
    won = {"promote": "is the new champion" if decision.line else "would be the new champion"}
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
