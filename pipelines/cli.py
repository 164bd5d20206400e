"""The command line `restereo-pipelines`. Each command imports what it needs: `--help` is instant."""

import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from pipelines import paths
from pipelines.environment import run_stage  # before the tools: it sets what they read when they are imported
from pipelines.flows import graph as stages
from pipelines.flows.graph import TARGETS
from restereo.errors import UserError

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown", add_completion=False
)
Targets = Annotated[str, typer.Argument(help="Globs of stages, separated by blanks; what they need comes with them.")]
Cron = Annotated[str | None, typer.Option(help="Run the flow at these times (local), such as '0 3 * * *'.")]


@app.callback()
def about() -> None:
    """Runs the pipeline and shows what it made."""


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port of MLflow's page.")] = 5000,
    prefect_port: Annotated[int, typer.Option(help="Port of Prefect's page.")] = 4200,
    cron: Cron = None,
) -> None:
    """Opens the pages of MLflow and Prefect, where the flow can be run and scheduled, until Ctrl-C.

    Example: `restereo-pipelines ui --cron '0 3 * * *'`
    """
    from pipelines.flows import ui as pages

    if cron:
        from pipelines.flows.deployments import check_cron

        check_cron(cron)
    pages.run(port, prefect_port, cron, typer.echo)


@app.command()
def flow(
    targets: Targets = TARGETS,
    force: Annotated[bool, typer.Option("--force", help="Run also what has not changed.")] = False,
    at_once: Annotated[int, typer.Option(min=1, help="How many stages may run side by side.")] = 1,
) -> None:
    """Runs the flow once; it appears on Prefect's page if that is open.

    Example: `restereo-pipelines flow 'train@*'`
    """
    stages.select(stages.read(), targets)  # what is wrong with these is said before Prefect starts
    _use_prefect()
    from pipelines.flows.pipeline import pipeline

    state = pipeline(targets, force, at_once, return_state=True)
    if not state.is_completed():
        raise typer.Exit(1)


@app.command()
def retrain(
    targets: Targets = TARGETS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say whether the challenger earned it.")] = False,
    share: Annotated[bool, typer.Option("--share", help="Pull from DVC's remote first, push at the end.")] = False,
    at_once: Annotated[int, typer.Option(min=1, help="How many stages may run side by side.")] = 1,
    base: Annotated[str, typer.Option(help="Git revision that the figures are compared with.")] = "HEAD",
    statistics: Annotated[Path | None, typer.Option(help="Log of recovered pictures: have they drifted?")] = None,
    only_drifted: Annotated[bool, typer.Option("--only-drifted", help="Retrain only if they have.")] = False,
) -> None:
    """Brings in new pictures, runs what is stale, lets the challenger challenge, and tells what came of it.

    What to read is in `data/retraining.md`. With `RESTEREO_DVC_REMOTE` set, `--share` is implied.

    Example: `restereo-pipelines retrain '*@anaglyph*' --dry-run --base main`
    """
    stages.select(stages.read(), targets)
    _use_prefect()
    from pipelines.flows import retraining

    log = str(statistics or "")
    retraining.check_options(log, only_drifted)
    share = share or bool(os.environ.get(retraining.REMOTE))
    state = retraining.retrain(targets, not dry_run, share, at_once, base, log, only_drifted, return_state=True)
    typer.echo(f"{state.message}\nMore: {paths.RETRAINING}")
    if not state.is_completed():
        raise typer.Exit(1)


scatter = typer.Typer(no_args_is_help=True, help="Spreads work over processes or machines (docs/scale.md).")
app.add_typer(scatter, name="scatter")
Workers = Annotated[int, typer.Option(min=1, help="Processes here, unless RESTEREO_DASK names a scheduler.")]


@scatter.command("synthesize")
def scatter_synthesize(
    task: Annotated[str, typer.Argument(help="A row of `tasks:`.")],
    workers: Workers = 2,
    size: Annotated[int, typer.Option(min=1, help="Scenes in a share.")] = 64,
) -> None:
    """Makes the scenes of a task in shares; stage `synthesize` then finds its shards finished, the same bytes.

    Example: `restereo-pipelines scatter synthesize anaglyph --workers 8 && make run`
    """
    _use_prefect()
    from pipelines.flows import scatter as scattered

    typer.echo(scattered.synthesize_scenes(task, workers, size))


@scatter.command("recover")
def scatter_recover(
    folder: Annotated[Path, typer.Argument(help="Anaglyphs.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write; what is there already is kept.")],
    model: Annotated[str | None, typer.Option(help="Run folder, or name of released weights or of a run.")] = None,
    layout: Annotated[str, typer.Option("-l", "--layout", help="How to show the views; 'restereo list'.")] = "sbs",
    workers: Workers = 2,
    size: Annotated[int, typer.Option(min=1, help="Pictures in a share.")] = 64,
) -> None:
    """Recovers the views of all anaglyphs below a folder, in shares.

    Example: `restereo-pipelines scatter recover web/ -o views/ --workers 8`
    """
    from restereo.inference.lookup import default_model
    from restereo.inference.recover import RecoverOptions
    from restereo.io.layouts import find_layout

    options = RecoverOptions(layouts=[find_layout(layout)])
    _use_prefect()
    from pipelines.flows import scatter as scattered

    done, wrong = scattered.recover_folder(folder, out, model or default_model(), options, workers, size)
    for error in wrong:
        typer.echo(f"error: {error}", err=True)
    typer.echo(f"{out}: {done} pictures recovered")
    if wrong:
        raise typer.Exit(1)


def _use_prefect() -> None:
    """Chooses the server: the one that is named, else the open pages', else one that is started for the run."""
    from pipelines.flows.ui import noted_api, prefect_environment

    os.environ.update(prefect_environment(os.environ.get("PREFECT_API_URL") or noted_api()))


@app.command(hidden=True)
def serve(cron: Cron = None) -> None:
    """Serves the flow to a Prefect server that runs already; `ui` starts this."""
    from pipelines.flows import deployments

    deployments.serve(cron)


@app.command()
def graph(targets: Targets = "*") -> None:
    """Prints the stages in the order in which they run, each with what it needs.

    Example: `restereo-pipelines graph '*@anaglyph*'`
    """
    for stage, parents in stages.select(stages.read(), targets).parents.items():
        typer.echo(f"{stage} <- {', '.join(parents)}" if parents else stage)


@app.command()
def check(
    lock: Annotated[bool, typer.Option("--lock", help="Also that dvc.lock is that of this code.")] = False,
    targets: Targets = TARGETS,
) -> None:
    """Checks `params.yaml`, every key, range, name and option, before anything runs; that a kill left `dvc.lock` whole.

    Example: `restereo-pipelines check --lock`
    """
    from restereo.config import load_params

    params = load_params()
    for name, row in params.recipes.items():
        if not row.kind:
            raise UserError(
                f"params.yaml: recipe '{name}' has no kind; dvc.yaml names its task's file by it: "
                f"write kind: {params.kinds[row.task]}."
            )
    from pipelines.operations import lock_check

    lock_check.refuse_damage()
    if lock:
        lock_check.check_current(stages.select(stages.read(), targets).stages)


@app.command()
def summary(
    rows: Annotated[
        list[str] | None,
        typer.Argument(help="Tasks or recipes, such as 'anaglyph*'; by default the tasks that have a report here."),
    ] = None,
) -> None:
    """Prints the figures of recipes and baselines, and where to see more.

    Example: `restereo-pipelines summary anaglyph`
    """
    from rich.console import Console

    from pipelines.reporting import summary as results
    from restereo.config import load_params

    found = results.read(load_params(), rows or ())
    if not found:
        raise UserError("data/report: nothing has run here yet; run `make run`, or name a task, such as 'anaglyph'.")
    console = Console(highlight=False)
    for one in found:
        console.print(results.table(one, console.width))
        page, stage = paths.report(one.task), f"report@{one.task}"
        console.print(f"Report: {page if page.exists() else f'not made yet; `dvc repro {stage}` makes it'}")
    console.print("MLflow and Prefect: `make ui` opens both pages and prints their addresses.")


@app.command()
def release(
    recipe: Annotated[str, typer.Argument(help="A row of `recipes:` that has been registered.")],
    pairs: Annotated[Path | None, typer.Option(help="Folder of real pairs to measure the stored file on.")] = None,
) -> None:
    """Makes a registered run the weights that the package carries.

    Example: `restereo-pipelines release anaglyph_parallax --pairs pictures/`
    """
    from pipelines.operations import release as released

    typer.echo(released.release(recipe, pairs))


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
    from pipelines.promotion import promote as promotion
    from restereo.io.write import check_place

    if markdown:
        check_place(markdown)  # before the ledger is written
    decision = promotion.promote(what, dry_run, again, anew)
    page = promotion.markdown(decision)
    typer.echo(page)
    if markdown:
        markdown.write_text(f"{page}\n", encoding="utf-8")
    if decision.entry:
        typer.echo(f"Line {decision.entry.line} of {paths.LEDGER}; commit it.")


@app.command()
def rollback(
    task: Annotated[str, typer.Argument(help="A row of `tasks:`.")],
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")] = "",
) -> None:
    """Makes the previous champion champion again; once more undoes it.

    Example: `restereo-pipelines rollback anaglyph --reason 'flickers on film'`
    """
    from pipelines.promotion import aliases

    entry = aliases.rollback(task, reason)
    if entry.champion:
        typer.echo(f"{task}: version {entry.champion.version} ({entry.champion.recipe}) is champion again.")
    typer.echo(f"Line {entry.line} of {paths.LEDGER}; commit it.")


@app.command()
def ledger(
    settle: Annotated[bool, typer.Option("--settle", help="Set the registry's aliases as the ledger says.")] = False,
) -> None:
    """Prints every decision, and checks that the registry says the same.

    Example: `restereo-pipelines ledger`
    """
    from pipelines.promotion import aliases
    from pipelines.promotion import ledger as decisions

    entries = decisions.read()
    for entry in entries:
        typer.echo(str(entry))
    if wrong := aliases.disagreements(sorted({entry.task for entry in entries}), settle):
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
    from pipelines.operations import drift as drifting

    report = drifting.check(log, task, since)
    typer.echo(drifting.markdown(report))
    if report.drifted:
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Recognises broken states that were met before, and says the repair; exit status 1 if there is one.

    Example: `restereo-pipelines doctor`
    """
    from pipelines.operations import doctor as doctors

    well = True
    for name, found in doctors.examine():
        typer.echo(f"{'✗' if found else '✓'} {name}")
        for message in found:
            well = False
            typer.echo(f"  {message}")
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
    from pipelines.operations import reproduce as again

    outcome = again.reproduce(model, version, into, tolerance)
    typer.echo("\n".join([outcome.message, *outcome.notes]))


def main() -> None:
    """Runs the command line; an error that a person can fix is one message, and the exit status is 2."""
    # A shell starts background jobs deaf to Ctrl-C, and what they start inherits that: DVC would keep its locks.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run_stage(lambda *_: app())


if __name__ == "__main__":
    main()
