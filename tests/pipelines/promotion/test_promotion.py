"""Verdict, ledger and alias always agree, whatever dies in between; and real networks are really compared."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from pipelines import cli, display, paths
from pipelines.promotion import aliases, compare, ledger, promote
from pipelines.promotion.decision import Check, PairedResult, Verdict
from pipelines.stages import register
from pipelines.tracking import store
from pipelines.tracking.client import connect, versions
from restereo import catalog
from restereo.config import load_params
from restereo.errors import UserError
from tests.conftest import write_scenes
from tests.pipelines.tracking.test_register import write_run

RECIPES = {name: {"task": "anaglyph", "model": "unet", "objective": "pixel"} for name in ("anaglyph_unet", "other")}
PARAMS = {"sources": {"builtin": {}}, "tasks": {"anaglyph": {"sources": ["builtin"]}}, "recipes": RECIPES}
CHECKS = (Check("missing_psnr, lower bound", 20.0, 21.0, 0.9, 0.1, True),)
WINS = Verdict("promote", "it is better.", 25, CHECKS)
LOSES = Verdict("refuse", "it is worse.", 25, (Check("missing_psnr, lower bound", 20.0, 19.0, -1.0, 0.1, False),))


@pytest.fixture
def project(mlflow_store: Path) -> Path:
    """A project with an empty MLflow store."""
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    return mlflow_store


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Callable[[Verdict], None]:
    """Sets what the next comparisons come to."""
    box = SimpleNamespace(verdict=WINS)
    monkeypatch.setattr(compare, "compare_versions", lambda *_: (box.verdict, "the champion"))
    return lambda verdict: setattr(box, "verdict", verdict)


def registered(weight: int, recipe: str = "anaglyph_unet") -> None:
    """Adds a finished version and makes it the challenger, as `register` does, without the network that it holds."""
    folder = Path(f"model-{weight}").absolute()
    folder.mkdir(exist_ok=True)
    (folder / "MLmodel").touch()
    client = connect()
    if not client.search_registered_models("name = 'anaglyph'"):
        client.create_registered_model("anaglyph")
    tags = {store.KEY: f"key-{weight}", store.LOADED: "true", "recipe": recipe, "git_rev": "a" * 40}
    number = client.create_model_version("anaglyph", str(folder), tags=tags).version
    client.set_registered_model_alias("anaglyph", "challenger", number)


def holders() -> dict[str, int]:
    """Which version has which alias, by MLflow."""
    return {alias: v.number for v in versions(connect(), "anaglyph") for alias in v.aliases}


def on_record() -> dict[str, int | None]:
    """Which version is champion and which was before, by the ledger."""
    move = ledger.last_move(ledger.read(), "anaglyph")
    models = {"champion": move.champion, "previous": move.previous} if move else {}
    return {role: model.version for role, model in models.items() if model}


def agree() -> bool:
    return {alias: number for alias, number in holders().items() if alias != "challenger"} == on_record()


def test_a_challenger_wins_loses_and_is_rolled_back(project: Path, judge: Callable[[Verdict], None]) -> None:
    registered(3)
    decision = promote.promote("anaglyph")
    assert decision.entry is not None and decision.champion is None
    assert holders() == {"champion": 1, "challenger": 1}
    registered(5)
    judge(LOSES)
    assert promote.promote("anaglyph").entry is not None
    assert holders() == {"champion": 1, "challenger": 2}
    assert promote.promote("anaglyph").entry is None  # the same refusal is not written every night
    assert len(ledger.read()) == 2
    judge(WINS)
    promote.promote("anaglyph", again=True)
    assert holders() == {"champion": 2, "challenger": 2, "previous": 1}
    entry = aliases.rollback("anaglyph", "flickers")
    assert (entry.reason, holders()) == ("flickers", {"champion": 1, "challenger": 2, "previous": 2})
    decision = promote.promote("anaglyph")
    assert not decision.verdict.promote and "was rolled back" in decision.verdict.reason
    assert holders()["champion"] == 1
    assert promote.promote("anaglyph", again=True).verdict.promote
    assert holders() == {"champion": 2, "challenger": 2, "previous": 1}
    assert agree()
    aliases.rollback("anaglyph")
    aliases.rollback("anaglyph")
    assert holders() == {"champion": 2, "challenger": 2, "previous": 1}
    assert [entry.action for entry in ledger.read()] == [
        "promote",
        "refuse",
        "promote",
        "rollback",
        "promote",
        "rollback",
        "rollback",
    ]
    assert aliases.disagreements(["anaglyph"]) == []


def test_what_the_ledger_answers_is_not_compared_again(
    project: Path, judge: Callable[[Verdict], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with the same models, test pictures, margins and code; each of these asks anew, and so does `--again`."""
    registered(3)
    promote.promote("anaglyph")
    registered(5)
    judge(LOSES)
    assert promote.promote("anaglyph", dry_run=True).notes == (), "a dry run is not on record"
    first = promote.promote("anaglyph")
    compared: list[int] = []
    monkeypatch.setattr(
        "pipelines.promotion.compare.compare_versions", lambda *_: (compared.append(1), (LOSES, "the champion"))[1]
    )
    for dry_run in (False, True):
        known = promote.promote("anaglyph", dry_run)
        assert (known.verdict, known.entry, compared) == (first.verdict, None, [])
        assert known.notes[0].startswith("Nothing new: line 2 of data/ledger.jsonl is on the same two models")
        assert "| missing_psnr, lower bound | 20.000 | 19.000 | -1.00 |" in promote.markdown(known)
    assert promote.promote("anaglyph", again=True).entry is None and len(compared) == 1

    paths.pairs("anaglyph").mkdir(parents=True)
    (paths.pairs("anaglyph") / "test-000.safetensors").write_text("other pictures")
    assert promote.promote("anaglyph").entry is not None and len(compared) == 2
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | {"promotion": {"gain": 0.2}}))
    assert promote.promote("anaglyph").entry is not None and len(compared) == 3
    registered(7)
    assert promote.promote("anaglyph").entry is not None and len(compared) == 4
    monkeypatch.setattr("restereo.digests.key_of", lambda *_: "other code")
    assert promote.promote("anaglyph").entry is not None and len(compared) == 5
    assert promote.promote("anaglyph").entry is None and len(compared) == 5


def test_no_decision_yet_makes_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert aliases.disagreements([]) == []
    assert not paths.MLFLOW.exists()


def test_dry_run_says_why_and_changes_nothing(project: Path, judge: Callable[[Verdict], None]) -> None:
    registered(3)
    decision = promote.promote("anaglyph", dry_run=True)
    page = promote.markdown(decision)
    assert "would be the new champion: it is better." in page
    assert "| missing_psnr, lower bound | 20.000 | 21.000 | +0.90 | +0.10 | ✓ |" in page
    assert holders() == {"challenger": 1}
    assert not paths.LEDGER.exists()


def test_a_recipe_names_its_newest_version(project: Path, judge: Callable[[Verdict], None]) -> None:
    registered(3)
    registered(4, "other")
    assert promote.promote("anaglyph_unet", dry_run=True).challenger.number == 1
    assert promote.promote("anaglyph", dry_run=True).challenger.number == 2
    with pytest.raises(UserError, match="no task or recipe 'anaglyf': did you mean 'anaglyph'"):
        promote.promote("anaglyf")


def test_nothing_to_decide(project: Path, judge: Callable[[Verdict], None]) -> None:
    with pytest.raises(UserError, match="anaglyph: no version is the challenger; run `dvc --wait-for-lock repro"):
        promote.promote("anaglyph")
    with pytest.raises(UserError, match="had no champion before this one"):
        aliases.rollback("anaglyph")
    registered(3)
    promote.promote("anaglyph")
    assert "is the champion already" in promote.promote("anaglyph").verdict.reason
    with pytest.raises(UserError, match="had no champion before this one"):
        aliases.rollback("anaglyph")
    assert len(ledger.read()) == 1


@pytest.mark.parametrize(
    ("action", "dies_at"), [("promote", 0), ("promote", 1), ("promote", 2), ("promote", 3), ("rollback", 2)]
)
def test_a_crash_between_ledger_and_alias_is_made_good(
    project: Path, judge: Callable[[Verdict], None], monkeypatch: pytest.MonkeyPatch, action: str, dies_at: int
) -> None:
    """The program dies before its n-th word to the registry (0: before the ledger). Whatever runs next repairs it."""
    for weight in (3, 5):
        registered(weight)
        promote.promote("anaglyph")
    if action == "promote":
        registered(7)
    import mlflow

    before = on_record()
    calls = iter(range(100))

    def dying(act: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            if next(calls) == dies_at:
                raise KeyboardInterrupt
            return act(*arguments)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", dying(ledger.append))
        for name in ("set_model_version_tag", "set_registered_model_alias"):
            patch.setattr(mlflow.MlflowClient, name, dying(getattr(mlflow.MlflowClient, name)))
        with pytest.raises(KeyboardInterrupt):
            promote.promote("anaglyph") if action == "promote" else aliases.rollback("anaglyph")
    changed = dies_at > 0
    assert (on_record() != before) == changed  # the ledger is written first or not at all
    assert agree() != changed
    judge(LOSES)
    registered(9)
    promote.promote("anaglyph")
    assert agree()
    assert (on_record() != before) == changed
    assert aliases.disagreements(["anaglyph"]) == []


def test_an_alias_set_by_hand_is_named_and_put_right(project: Path, judge: Callable[[Verdict], None]) -> None:
    registered(3)
    promote.promote("anaglyph")
    registered(5)
    client = connect()
    client.set_registered_model_alias("anaglyph", "champion", "2")
    (message,) = aliases.disagreements(["anaglyph"])
    assert message.startswith(
        "anaglyph: the alias 'champion' is anaglyph version 2 (challenger, champion)'s; by the ledger"
    )
    judge(LOSES)
    decision = promote.promote("anaglyph")
    assert decision.champion is not None and decision.champion.number == 1
    assert decision.notes[0].startswith("The ledger's champion is anaglyph version 1, but the alias was")
    assert agree()


def test_a_lost_database_gets_its_champion_back(
    project: Path, lose_database: Callable[[], None], judge: Callable[[Verdict], None]
) -> None:
    registered(3)
    promote.promote("anaglyph")
    registered(5)
    lose_database()
    registered(5)
    judge(LOSES)
    with pytest.raises(
        UserError, match=r"the champion of line 1 \(recipe anaglyph_unet, code .* is not in the registry"
    ):
        promote.promote("anaglyph")
    registered(3)
    promote.promote("anaglyph")
    assert holders()["champion"] == 2  # by content, not by number


def test_a_lost_champion_can_be_replaced(
    project: Path, lose_database: Callable[[], None], judge: Callable[[Verdict], None]
) -> None:
    registered(3)
    promote.promote("anaglyph")
    lose_database()
    registered(5)
    decision = promote.promote("anaglyph", anew=True)
    assert decision.champion is None and "is lost; any challenger may take its place" in decision.notes[0]
    assert holders()["champion"] == 1 and agree()


def test_an_older_ledger_is_refused(project: Path, judge: Callable[[Verdict], None]) -> None:
    """Two clones, one server: the one that has not pulled must not undo the other's promotion."""
    registered(3)
    promote.promote("anaglyph")
    old = paths.LEDGER.read_text()
    registered(5)
    promote.promote("anaglyph")
    paths.LEDGER.write_text(old)
    for act in (lambda: promote.promote("anaglyph"), lambda: aliases.rollback("anaglyph")):
        with pytest.raises(UserError, match=r"version 2 .* became champion by a line that is not in it; run `git"):
            act()
    assert holders()["champion"] == 2


def test_a_damaged_ledger_stops_everything(project: Path, judge: Callable[[Verdict], None]) -> None:
    registered(3)
    promote.promote("anaglyph")
    paths.LEDGER.write_text(paths.LEDGER.read_text().replace('"action"', '"act'))
    registered(5)
    with pytest.raises(UserError, match=r"ledger\.jsonl: line 1 is no decision"):
        promote.promote("anaglyph")


@pytest.mark.parametrize(("error", "outcome"), [(0.05, "promote"), (0.2, "refuse")])
def test_a_task_whose_headline_is_an_error_prefers_the_smaller(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: float, outcome: str
) -> None:
    """Colorization's headline is an error: the champion's is 0.1."""
    version = store.Version("colorization", 1, "", "key", "colorization_lab", (), "")
    run = SimpleNamespace(task=catalog.build("task", "colorization"))
    figures = [{run.task.headline: value} for value in (0.1, error)]
    monkeypatch.setattr("pipelines.promotion.compare.download_model", lambda *_: Path())
    monkeypatch.setattr("restereo.inference.engine.load_run", lambda _: run)
    monkeypatch.setattr(
        "pipelines.promotion.compare.compare_models",
        lambda *_: [PairedResult(f"{n}", "clean", *figures) for n in range(25)],
    )
    Path("weights.safetensors").touch()
    verdict, _ = compare.compare_versions("colorization", version, version, load_params())
    assert verdict.outcome == outcome, verdict.reason


@pytest.mark.parametrize("task", sorted(catalog.names("task")))
def test_report_and_decision_agree_on_which_way_is_better(task: str) -> None:
    kind = catalog.build("task", task)
    assert display.metric(kind.headline).better == kind.better


@pytest.mark.parametrize("file", ["nowhere/decision.md", "folder"])
def test_a_table_that_cannot_be_written_is_refused_before_anything_is_decided(
    project: Path, judge: Callable[[Verdict], None], file: str
) -> None:
    registered(3)
    Path("folder").mkdir()
    refused = f"{file}: (no such folder; make 'nowhere' first|a folder of this name is in the way)"
    with pytest.raises(UserError, match=refused):
        cli.promote("anaglyph", markdown=Path(file))
    assert not paths.LEDGER.exists()
    cli.promote("anaglyph", markdown=Path("folder/decision.md"))
    assert Path("folder/decision.md").read_text().startswith("**anaglyph version 1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """22 test scenes, and a tiny network trained for six steps."""
    from restereo.training.trainer import train_recipe
    from tests.restereo.training.test_loop import params

    root = tmp_path_factory.mktemp("trained")
    task = catalog.build("task", "anaglyph")
    scenes = write_scenes(root / paths.pairs("anaglyph"), task, {"train": 6, "validation": 2, "test": 22})
    train_recipe(params(), "tiny", scenes, root / paths.run("tiny"), root / "live", quiet=True)
    return root


def test_real_networks_are_compared(project: Path, trained: Path) -> None:
    """A first challenger meets the plainest baseline; then the same weights meet themselves and gain nothing."""
    shutil.copytree(trained / paths.pairs("anaglyph"), paths.pairs("anaglyph"))
    write_run()
    for name in ("config", "calibration", "metrics", "environment"):
        shutil.copy(trained / paths.run("tiny") / f"{name}.json", paths.run("anaglyph_unet"))
    shutil.copy(trained / paths.run("tiny") / "weights.safetensors", paths.run("anaglyph_unet"))
    register.main("anaglyph_unet")
    first = promote.promote("anaglyph", dry_run=True)
    assert (first.against, first.verdict.scenes) == ("identity", 22)
    assert [check.name for check in first.verdict.checks] == ["missing_psnr, lower bound"]
    client = connect()
    client.set_registered_model_alias("anaglyph", "champion", "1")
    metrics = paths.run("anaglyph_unet") / "metrics.json"
    metrics.write_text(json.dumps(json.loads(metrics.read_text()) | {"other": "content"}))
    register.main("anaglyph_unet")
    second = promote.promote("anaglyph")
    by_name = {check.name: check for check in second.verdict.checks}
    assert second.champion is not None and second.champion.number == 1
    assert not second.verdict.promote
    for name in ("missing_psnr, lower bound", "worst tenth, all", "worst tenth, dark", "worst tenth, wide", "jpeg85"):
        assert by_name[name].change == 0.0
    assert by_name["size in bytes"].change == 0.0
    assert by_name["seconds_per_megapixel"].champion is not None
