"""The commands that decide and take care: `promote`, `rollback`, `ledger`, `drift`, `doctor`, `reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

from restereo.errors import UserError

app = typer.Typer()


@app.command()
def promote(
    what: Annotated[str, typer.Argument(help="A task, for its challenger, or a recipe, for its newest version.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say the verdict and why, and change nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Compare once more; let win what was rolled back.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="The champion's model is lost: decide without it.")] = False,
    markdown: Annotated[Path | None, typer.Option(help="Also write the table to this file.")] = None,
) -> None:
    """Makes the challenger the champion if it earned it (docs/promotion.md).

    Example: `restereo-pipelines promote anaglyph --dry-run`
    """
    from pipelines import promotion
    from restereo.io.files import check_place

    if markdown:
        check_place(markdown)  # before the ledger is written
    decision = promotion.promote(what, dry_run, again, anew)
    page = promotion.markdown(decision)
    typer.echo(page)
    if markdown:
        markdown.write_text(f"{page}\n", encoding="utf-8")
    if decision.line:
        typer.echo(f"Line {decision.line.number} of data/ledger.jsonl; commit it.")


@app.command()
def rollback(
    task: Annotated[str, typer.Argument(help="A row of `tasks:`.")],
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")] = "",
) -> None:
    """Makes the previous champion champion again; once more undoes it.

    Example: `restereo-pipelines rollback anaglyph --reason 'flickers on film'`
    """
    from pipelines import title

    line = title.rollback(task, reason)
    champion = line.content["champion"]
    typer.echo(f"{task}: version {champion['version']} ({champion['recipe']}) is champion again.")
    typer.echo(f"Line {line.number} of data/ledger.jsonl; commit it.")


@app.command()
def ledger(
    settle: Annotated[bool, typer.Option("--settle", help="Set the registry's aliases as the ledger says.")] = False,
) -> None:
    """Prints every decision, after checking that no line was changed and that the registry says the same.

    Example: `restereo-pipelines ledger`
    """
    from pipelines import ledger as decisions
    from pipelines import title

    lines = decisions.read()
    for line in lines:
        typer.echo(decisions.told(line))
    if wrong := title.disagreements(sorted({line.content["task"] for line in lines}), settle):
        raise UserError(f"{' '.join(wrong)} `restereo-pipelines ledger --settle` makes the registry say the same.")


@app.command()
def drift(
    log: Annotated[Path, typer.Argument(help="What RESTEREO_STATISTICS named where pictures were recovered.")],
    task: Annotated[str, typer.Option(help="A row of `tasks:`.")] = "anaglyph",
    since: Annotated[Path | None, typer.Option(help="Compare with this earlier log instead of the training.")] = None,
) -> None:
    """Says whether recovered pictures still are like those of the training; exit status 1 if not.

    Example: `restereo-pipelines drift statistics.jsonl`
    """
    from pipelines import drift as drifting

    report = drifting.check(log, task, since)
    typer.echo(drifting.markdown(report))
    if report.drifted:
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Recognises broken states that were met before, and says the repair; exit status 1 if there is one.

    Example: `restereo-pipelines doctor`
    """
    from pipelines import doctor as doctors

    well = True
    for name, found in doctors.examine():
        typer.echo(f"{'✗' if found else '✓'} {name}")
        for sentence in found:
            well = False
            typer.echo(f"  {sentence}")
    if not well:
        raise typer.Exit(1)


@app.command()
def reproduce(
    model: Annotated[str, typer.Argument(help="A registered model: a row of `tasks:`.")],
    version: Annotated[int, typer.Argument(help="Its number.")],
    into: Annotated[Path | None, typer.Option(help="Folder for the clone, which then stays.")] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="Greatest difference of a figure, in its unit.")] = 0.01,
) -> None:
    """Checks out a version's code, data and parameters in a fresh clone, and measures its weights again.

    Example: `restereo-pipelines reproduce anaglyph 3`
    """
    from pipelines import reproduce as again

    outcome = again.reproduce(model, version, into, tolerance)
    typer.echo("\n".join([outcome.sentence, *outcome.notes]))
