"""The report's first statement is honest: better, worse, mixed, and where chance may explain it."""

from pipelines.reporting.summary import verdict
from pipelines.results import Comparison


def verdict_on(clean: dict[str, float], jpeg: dict[str, float] | None = None, spread: float = 0.0) -> str:
    shifts = {"a": -spread, "b": spread, "c": 0.0}
    noise = {what: (0.0 if what == "unet" else 1.0) for what in clean}
    variants = {"clean": clean, **({"jpeg85": jpeg} if jpeg else {})}
    means = {name: {w: {"missing_psnr": v} for w, v in levels.items()} for name, levels in variants.items()}
    scenes = {w: {s: {"missing_psnr": v + noise[w] * shift} for s, shift in shifts.items()} for w, v in clean.items()}
    baselines = [what for what in clean if what != "unet"]
    return verdict(Comparison("missing_psnr", ["unet"], baselines, means, {"clean": scenes}, []))


def test_verdict_when_better_than_everything() -> None:
    assert verdict_on({"unet": 23.0, "grey": 18.0, "sgbm": 22.0}) == (
        "unet recovers the missing colours 5.0 dB better than the grey copy on 3 test scenes, "
        "and 1.0 dB better than sgbm, the best baseline."
    )


def test_verdict_when_a_baseline_is_ahead() -> None:
    assert verdict_on({"unet": 21.1, "grey": 18.0, "sgbm": 22.0}).endswith("; sgbm is still 0.9 dB ahead.")
    assert verdict_on({"unet": 22.01, "grey": 18.0, "sgbm": 22.0}).endswith(", and is level with sgbm.")


def test_verdict_names_every_baseline_that_is_ahead() -> None:
    text = verdict_on({"unet": 17.9, "grey": 15.3, "identity": 21.7, "sgbm": 28.4})
    assert text.endswith("; sgbm is still 10.5 dB ahead, the untouched input 3.8 dB.")


def test_verdict_when_worse() -> None:
    assert verdict_on({"unet": 17.0, "grey": 18.0}) == (
        "unet recovers the missing colours 1.0 dB worse than the grey copy on 3 test scenes."
    )
    assert "no better than the grey copy" in verdict_on({"unet": 18.01, "grey": 18.0})


def test_verdict_when_mixed() -> None:
    assert verdict_on({"unet": 21.0, "grey": 18.0}, {"unet": 17.8, "grey": 18.0}).endswith(
        "; with input saved as JPEG, quality 85, it is 0.2 dB worse than the grey copy."
    )
    clean, jpeg = {"unet": 22.7, "identity": 21.7, "grey": 15.0}, {"unet": 21.8, "identity": 22.3, "grey": 15.0}
    assert verdict_on(clean, jpeg).endswith("quality 85, it is 0.5 dB worse than the untouched input.")
    assert "(a difference that chance may explain)" in verdict_on({"unet": 18.5, "grey": 18.0}, spread=3.0)


def test_verdict_without_baselines_or_figures() -> None:
    assert verdict_on({"unet": 21.0}) == "unet reaches 21.0 dB on 3 test scenes; no baseline was measured beside it."
    nothing = Comparison("missing_psnr", ["unet"], [], {"clean": {"unet": {"missing_psnr": None}}}, {}, [])
    assert "nothing to compare" in verdict(nothing)


def test_verdict_without_figures_per_scene_names_no_number_of_scenes() -> None:
    means = {"clean": {"unet": {"missing_psnr": 21.0}, "grey": {"missing_psnr": 18.0}}}
    found = verdict(Comparison("missing_psnr", ["unet"], ["grey"], means, {}, []))
    assert found == "unet recovers the missing colours 3.0 dB better than the grey copy."
