"""A challenger wins only if it is truly better, everywhere it matters."""

from collections.abc import Callable

import numpy as np
import pytest

from pipelines.decision import SPEED, Duel, Verdict, decide
from restereo.config import load_params
from restereo.margins import Promotion
from tests.conftest import ROOT

SETTINGS = Promotion()
SCENES = 25
Gain = Callable[[int, float], float]


def duels(gain: Gain, seed: int = 0, scenes: int = SCENES, **changed: float | None) -> list[Duel]:
    """Pictures of both variants: scene n is n-th darkest, and the challenger is better by `gain(n, noise)`."""
    rng = np.random.default_rng(seed)
    found = []
    for variant in ("clean", "jpeg85"):
        for number in range(scenes):
            base, noise = 20 + 3 * rng.standard_normal(), rng.standard_normal()
            ours = {"missing_psnr": base, "match_share": 0.8, "match_correlation": 0.7, SPEED: 2.0}
            theirs = {**ours, "missing_psnr": base + gain(number, noise), **changed}
            traits = {"brightness": 10.0 * number, "disparity": 7.0 * number % scenes}
            found.append(Duel(f"scene-{number}", variant, ours, theirs, traits))
    return found


def judged(found: list[Duel], sizes: tuple[float | None, float | None] = (1e6, 1e6), seed: int = 0) -> Verdict:
    return decide(found, sizes, "missing_psnr", SETTINGS, seed)


def failed(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.passed]


def test_a_model_never_wins_against_itself() -> None:
    verdicts = [judged(duels(lambda *_: 0.0, seed), seed=seed) for seed in range(200)]
    assert {verdict.outcome for verdict in verdicts} == {"refuse"}
    assert failed(verdicts[0]) == ["missing_psnr, lower bound"]


def test_chance_wins_no_more_often_than_it_may() -> None:
    """Two equally good models that differ by 0.5 dB on a picture; guards off, no margin: the bound alone decides."""
    settings = SETTINGS.model_copy(update={"gain": 0.0, "resamples": 2000})
    wins = 0
    for seed in range(400):
        found = duels(lambda _, noise: 0.5 * noise, seed)
        wins += decide(found, (None, None), "missing_psnr", settings, seed, guarded=False).promote
    # 2.5 % of 400 are 10; the percentile method is a little too sure of 25 scenes.
    assert wins <= 24


def test_a_truly_better_one_wins() -> None:
    verdict = judged(duels(lambda _, noise: 0.8 + 0.3 * noise))
    assert verdict.promote, verdict.reason
    assert not failed(verdict)
    assert "No guard fails." in verdict.reason
    assert verdict.checks[0].change is not None and 0.6 < verdict.checks[0].change < 0.9


def test_better_in_the_mean_but_worse_in_the_dark_is_refused() -> None:
    verdict = judged(duels(lambda number, _: -1.0 if number < 6 else 1.5))
    assert verdict.outcome == "refuse"
    assert failed(verdict) == ["worst tenth, dark"]
    assert "worst tenth, dark -1.00, at least -0.30 is asked" in verdict.reason
    assert verdict.checks[0].passed


def test_better_in_the_mean_but_worse_on_wide_disparities_is_refused() -> None:
    assert judged(duels(lambda number, _: 1.0, scenes=25)).promote
    wide = [
        Duel(d.scene, d.variant, d.champion, d.challenger, {"brightness": 1.0, "disparity": d.traits["brightness"]})
        for d in duels(lambda number, _: -1.0 if number > 18 else 1.5)
    ]
    assert "worst tenth, wide" in failed(judged(wide))


@pytest.mark.parametrize(
    ("changed", "sizes", "name"),
    [
        ({SPEED: 2.6}, (1e6, 1e6), SPEED),
        ({"match_share": 0.75}, (1e6, 1e6), "match_share"),
        ({"match_correlation": None}, (1e6, 1e6), "match_correlation"),
        ({}, (1e6, 1.3e6), "size in bytes"),
    ],
)
def test_each_guard_alone_refuses(changed: dict[str, float | None], sizes: tuple[float, float], name: str) -> None:
    verdict = judged(duels(lambda *_: 1.0, **changed), sizes)
    assert (verdict.outcome, failed(verdict)) == ("refuse", [name])
    assert name in verdict.reason


def test_jpeg_inputs_are_guarded_by_themselves() -> None:
    found = [
        d if d.variant == "clean" else Duel(d.scene, d.variant, d.champion, {"missing_psnr": 10.0}, d.traits)
        for d in duels(lambda *_: 1.0)
    ]
    assert failed(judged(found)) == ["jpeg85"]


def test_what_the_champion_has_not_cannot_be_lost() -> None:
    plain = [
        Duel(d.scene, d.variant, {"missing_psnr": d.champion["missing_psnr"]}, d.challenger)
        for d in duels(lambda *_: 1.0)
    ]
    verdict = judged(plain, (None, 1e6))
    assert verdict.promote
    assert [check.change for check in verdict.checks if check.name == "match_share"] == [None]


def test_a_picture_that_the_challenger_alone_cannot_answer_counts() -> None:
    found = duels(lambda *_: 1.0)
    found[3] = Duel(found[3].scene, "clean", found[3].champion, {"missing_psnr": None}, found[3].traits)
    assert failed(judged(found)) == ["pictures without a figure"]


def test_too_few_scenes_are_no_verdict_however_many_pictures() -> None:
    found = [
        Duel(f"scene-{number % 19}", d.variant, d.champion, d.challenger, d.traits)
        for number, d in enumerate(duels(lambda *_: 5.0, scenes=95))
    ]
    verdict = judged(found)
    assert (verdict.outcome, verdict.scenes, verdict.promote) == ("too few", 19, False)
    assert verdict.reason == "too few: 19 test scenes, at least 20 are needed for a verdict."
    assert judged([]).outcome == "too few"


def test_pictures_of_one_scene_are_no_independent_evidence() -> None:
    """Ten frames of each scene, all alike: the bound is that of the scenes."""
    once = duels(lambda _, noise: 0.3 + noise)
    often = [d for d in once for _ in range(10)]
    lower = [judged(found).checks[0].change for found in (once, often)]
    assert lower[0] == pytest.approx(lower[1])


def errors(gain: Gain, **changed: float | None) -> list[Duel]:
    """The same pictures, judged by an error in 0 to 1 that falls by `gain(n, noise)` dB."""

    def error(decibels: float | None) -> float | None:
        return None if decibels is None else 10 ** (-decibels / 20)

    return [
        Duel(d.scene, d.variant, {"off": error(d.champion["missing_psnr"])}, {"off": error(theirs)}, d.traits)
        for d in duels(gain, **changed)
        for theirs in [d.challenger["missing_psnr"]]
    ]


def judged_by_error(found: list[Duel]) -> Verdict:
    return decide(found, (1e6, 1e6), "off", SETTINGS, better=-1)


def test_where_lower_is_better_a_smaller_error_wins() -> None:
    verdict = judged_by_error(errors(lambda _, noise: 0.8 + 0.3 * noise))
    assert verdict.promote, verdict.reason
    assert verdict.checks[0].name == "off in dB, lower bound" and not failed(verdict)
    worse = judged_by_error(errors(lambda _, noise: -0.8 + 0.3 * noise))
    assert worse.outcome == "refuse"
    assert {"off in dB, lower bound", "worst tenth, all", "jpeg85"} <= set(failed(worse))


def test_where_lower_is_better_the_worst_tenth_is_that_of_the_largest_errors() -> None:
    """Half the error on all pictures but the three worst, which become worse."""
    found = errors(lambda *_: 6.0)
    worst = sorted((d for d in found if d.variant == "clean"), key=lambda d: -(d.champion["off"] or 0.0))[:3]
    turned = [Duel(d.scene, d.variant, d.champion, {"off": 1.0}, d.traits) if d in worst else d for d in found]
    assert "worst tenth, all" in failed(judged_by_error(turned))


def test_an_error_is_judged_as_the_same_figures_in_decibels() -> None:
    """So the margins mean the same in every task, and of errors the same share whatever their unit."""
    gain: Gain = lambda _, noise: 0.3 + 0.5 * noise  # noqa: E731
    plain = [
        Duel(d.scene, d.variant, *({"missing_psnr": f["missing_psnr"]} for f in (d.champion, d.challenger)), d.traits)
        for d in duels(gain)
    ]
    changes = [[c.change for c in found.checks] for found in (judged(plain), judged_by_error(errors(gain)))]
    assert changes[1] == pytest.approx(changes[0])
    large = [
        Duel(d.scene, d.variant, *({"off": 255 * (f["off"] or 0.0)} for f in (d.champion, d.challenger)), d.traits)
        for d in errors(gain)
    ]
    assert [c.change for c in judged_by_error(large).checks] == pytest.approx(changes[0])


def test_an_error_of_nothing_and_one_that_is_missing() -> None:
    found = errors(lambda *_: 1.0)
    found[3] = Duel(found[3].scene, "clean", {"off": 0.0}, {"off": 0.0}, found[3].traits)
    assert judged_by_error(found).scenes == SCENES - 1, "of two equal pictures no dB can be told"
    found[4] = Duel(found[4].scene, "clean", found[4].champion, {"off": None}, found[4].traits)
    assert failed(judged_by_error(found)) == ["pictures without a figure"]


def test_the_same_figures_give_the_same_verdict() -> None:
    found = duels(lambda _, noise: 0.3 + 0.5 * noise)
    assert judged(found) == judged(found)
    assert judged(found, seed=1).checks[0].change != judged(found).checks[0].change


def test_the_projects_own_margins_are_those_by_default() -> None:
    assert load_params(ROOT / "params.yaml").promotion == Promotion()
