"""A challenger wins only if it is truly better, everywhere it matters."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from pipelines.promotion.decision import SPEED, PairedResult, Verdict, decide, gain_bounds, resamples
from restereo.config import load_params
from restereo.margins import Promotion
from tests.conftest import ROOT

SETTINGS = Promotion()
SCENES = 25
Gain = Callable[[int, float], float]


def results(gain: Gain, seed: int = 0, scenes: int = SCENES, **changed: float | None) -> list[PairedResult]:
    """Pictures of both variants: scene n is n-th darkest, and the challenger is better by `gain(n, noise)`."""
    rng = np.random.default_rng(seed)
    found = []
    for variant in ("clean", "jpeg85"):
        for number in range(scenes):
            base, noise = 20 + 3 * rng.standard_normal(), rng.standard_normal()
            ours = {"missing_psnr": base, "match_share": 0.8, "match_correlation": 0.7, SPEED: 2.0}
            theirs = {**ours, "missing_psnr": base + gain(number, noise), **changed}
            traits = {"brightness": 10.0 * number, "disparity": 7.0 * number % scenes}
            found.append(PairedResult(f"scene-{number}", variant, ours, theirs, traits))
    return found


def judged(found: list[PairedResult], sizes: tuple[float | None, float | None] = (1e6, 1e6), seed: int = 0) -> Verdict:
    return decide(found, sizes, "missing_psnr", SETTINGS, seed)


def failed(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.passed]


def test_a_model_never_wins_against_itself() -> None:
    verdicts = [judged(results(lambda *_: 0.0, seed), seed=seed) for seed in range(200)]
    assert {verdict.outcome for verdict in verdicts} == {"refuse"}
    assert failed(verdicts[0]) == ["missing_psnr, lower bound"]


def test_chance_wins_no_more_often_than_it_may() -> None:
    """Two equally good models that differ by 0.5 dB on a picture; guards off, no margin: the bound alone decides."""
    settings = SETTINGS.model_copy(update={"gain": 0.0, "resamples": 2000})
    wins = 0
    for seed in range(400):
        found = results(lambda _, noise: 0.5 * noise, seed)
        wins += decide(found, (None, None), "missing_psnr", settings, seed, guarded=False).promote
    # 2.5 % of 400 are 10; the percentile method is a little too sure of 25 scenes.
    assert wins <= 24


def test_a_truly_better_one_wins() -> None:
    verdict = judged(results(lambda _, noise: 0.8 + 0.3 * noise))
    assert verdict.promote, verdict.reason
    assert not failed(verdict)
    assert "No guard fails." in verdict.reason
    assert verdict.checks[0].change is not None and 0.6 < verdict.checks[0].change < 0.9


def test_better_in_the_mean_but_worse_in_the_dark_is_refused() -> None:
    verdict = judged(results(lambda number, _: -1.0 if number < 6 else 1.5))
    assert verdict.outcome == "refuse"
    assert failed(verdict) == ["worst tenth, dark"]
    assert "worst tenth, dark -1.00, at least -0.30 is asked" in verdict.reason
    assert verdict.checks[0].passed


def test_better_in_the_mean_but_worse_on_wide_disparities_is_refused() -> None:
    assert judged(results(lambda number, _: 1.0, scenes=25)).promote
    wide = [
        PairedResult(
            d.scene, d.variant, d.champion, d.challenger, {"brightness": 1.0, "disparity": d.traits["brightness"]}
        )
        for d in results(lambda number, _: -1.0 if number > 18 else 1.5)
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
    verdict = judged(results(lambda *_: 1.0, **changed), sizes)
    assert (verdict.outcome, failed(verdict)) == ("refuse", [name])
    assert name in verdict.reason


def test_jpeg_inputs_are_guarded_by_themselves() -> None:
    found = [
        d if d.variant == "clean" else replace(d, challenger={"missing_psnr": 10.0}) for d in results(lambda *_: 1.0)
    ]
    assert failed(judged(found)) == ["jpeg85"]


def test_what_the_champion_has_not_cannot_be_lost() -> None:
    plain = [
        replace(d, champion={"missing_psnr": d.champion["missing_psnr"]}, traits={}) for d in results(lambda *_: 1.0)
    ]
    verdict = judged(plain, (None, 1e6))
    assert verdict.promote
    assert [check.change for check in verdict.checks if check.name == "match_share"] == [None]


def test_a_picture_that_the_challenger_alone_cannot_answer_counts() -> None:
    found = results(lambda *_: 1.0)
    found[3] = replace(found[3], challenger={"missing_psnr": None})
    assert failed(judged(found)) == ["pictures without a figure"]


def test_too_few_scenes_are_no_verdict_however_many_pictures() -> None:
    found = [replace(d, scene=f"scene-{number % 19}") for number, d in enumerate(results(lambda *_: 5.0, scenes=95))]
    verdict = judged(found)
    assert (verdict.outcome, verdict.scenes, verdict.promote) == ("too few", 19, False)
    assert verdict.reason == "too few: 19 test scenes, at least 20 are needed for a verdict."
    assert judged([]).outcome == "too few"


def test_pictures_of_one_scene_are_no_independent_evidence() -> None:
    """Ten frames of each scene, all alike: the bound is that of the scenes."""
    once = results(lambda _, noise: 0.3 + noise)
    often = [d for d in once for _ in range(10)]
    lower = [judged(found).checks[0].change for found in (once, often)]
    assert lower[0] == pytest.approx(lower[1])


def errors(gain: Gain, **changed: float | None) -> list[PairedResult]:
    """The same pictures, judged by an error in 0 to 1 that falls by `gain(n, noise)` dB."""

    def error(decibels: float | None) -> float | None:
        return None if decibels is None else 10 ** (-decibels / 20)

    return [
        replace(
            d,
            champion={"off": error(d.champion["missing_psnr"])},
            challenger={"off": error(d.challenger["missing_psnr"])},
        )
        for d in results(gain, **changed)
    ]


def judged_by_error(found: list[PairedResult]) -> Verdict:
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
    turned = [replace(d, challenger={"off": 1.0}) if d in worst else d for d in found]
    assert "worst tenth, all" in failed(judged_by_error(turned))


def test_an_error_is_judged_as_the_same_figures_in_decibels() -> None:
    """So the margins mean the same in every task, and of errors the same share whatever their unit."""

    def gain(_: int, noise: float) -> float:
        return 0.3 + 0.5 * noise

    def changed(found: list[PairedResult], figure: str, factor: float) -> list[PairedResult]:
        """The results with this figure alone, times the factor."""

        def of(figures: Mapping[str, float | None]) -> dict[str, float | None]:
            return {figure: factor * (figures[figure] or 0.0)}

        return [replace(d, champion=of(d.champion), challenger=of(d.challenger)) for d in found]

    plain = judged(changed(results(gain), "missing_psnr", 1))
    expected = [check.change for check in plain.checks]
    assert [check.change for check in judged_by_error(errors(gain)).checks] == pytest.approx(expected)
    large = judged_by_error(changed(errors(gain), "off", 255))
    assert [check.change for check in large.checks] == pytest.approx(expected)


def test_an_error_of_nothing_and_one_that_is_missing() -> None:
    found = errors(lambda *_: 1.0)
    found[3] = PairedResult(found[3].scene, "clean", {"off": 0.0}, {"off": 0.0}, found[3].traits)
    assert judged_by_error(found).scenes == SCENES, "two perfect answers are a draw"
    found[4] = PairedResult(found[4].scene, "clean", found[4].champion, {"off": None}, found[4].traits)
    assert failed(judged_by_error(found)) == ["pictures without a figure"]


def test_a_challenger_without_any_error_wins() -> None:
    perfect = [PairedResult(d.scene, d.variant, d.champion, {"off": 0.0}, d.traits) for d in errors(lambda *_: 0.0)]
    verdict = judged_by_error(perfect)
    assert (verdict.outcome, verdict.scenes) == ("promote", SCENES)
    lost = [PairedResult(d.scene, d.variant, d.challenger, d.champion, d.traits) for d in perfect]
    assert judged_by_error(lost).outcome == "refuse"


def test_the_same_figures_give_the_same_verdict() -> None:
    found = results(lambda _, noise: 0.3 + 0.5 * noise)
    assert judged(found) == judged(found)
    assert judged(found, seed=1).checks[0].change != judged(found).checks[0].change


def test_the_projects_own_margins_are_those_by_default() -> None:
    assert load_params(ROOT / "params.yaml").promotion == Promotion()


def test_resamples_do_not_depend_on_the_version_of_numpy():
    """Against the definition in whole numbers: floor(h · count / 2^32), h the high half of PCG64's next number."""
    count, first = 300_000, [11530976094092348043, 16550673365885938325, 14308875409591826786]
    raw = np.random.PCG64(7).random_raw(5 * count).tolist()
    assert raw[:3] == first
    drawn = list(resamples(count, 5, 7))
    assert [len(rows) for rows in drawn] == [3, 2]
    assert np.concatenate(drawn).ravel().tolist() == [(number >> 32) * count >> 32 for number in raw]


def test_the_interval_of_a_gain_of_all_or_nothing_is_binomial():
    pairs = [(f"scene-{number}", 20.0, 20.0 + number % 2) for number in range(400)]
    mean, lower = gain_bounds(pairs, SETTINGS, 0)
    assert mean == 0.5
    assert lower == pytest.approx(scipy.stats.binom.ppf((1 - SETTINGS.confidence) / 2, 400, 0.5) / 400, abs=1 / 400)
