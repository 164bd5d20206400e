"""How metrics, baselines and kinds of input are shown and named, which way a metric is better, and ranks by it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Means = Mapping[str, Mapping[str, float | None]]
"""What was measured (a recipe or a baseline) -> metric -> mean over the scenes, None where undefined."""


@dataclass(frozen=True)
class Metric:
    """How a metric is shown: `better` is +1 if higher is better, -1 if lower is, 0 if neither is known."""

    name: str
    group: str
    label: str
    unit: str
    decimals: int
    better: int
    means: str


_PICTURE = "How close the whole recovered {} picture is to the true one."
_SHAPES = "How alike edges and textures of the {} picture are to the true ones: 1 = equal; hardly sees colour."

_METRICS = (
    Metric("missing_psnr", "Missing colours", "all", "dB", 1, 1,
        "How close the colours the anaglyph threw away come to the true ones; +6 dB is half the error."),
    Metric("missing_psnr_visible", "Missing colours", "visible", "dB", 1, 1,
        "The same, only where the other eye sees the same spot, whose colour can be found there."),
    Metric("missing_psnr_occluded", "Missing colours", "occluded", "dB", 1, 1,
        "The same, only where the other eye does not see the spot, whose colour must be guessed."),
    Metric("ghost", "Missing colours", "ghost", "", 2, -1,
        "How much, where the other eye does not see the spot, the colours are those of what hides it: 0 = not at all."),
    Metric("strip_saturation", "Missing colours", "strips", "", 3, -1,
        "Share of the strips at the frame, which one eye alone sees, that is more colourful than what is beside them."),
    Metric("psnr", "Whole picture", "all", "dB", 1, 1, "How close all of the result is to the truth."),
    Metric("psnr_left", "Whole picture", "left", "dB", 1, 1, _PICTURE.format("left")),
    Metric("psnr_right", "Whole picture", "right", "dB", 1, 1, _PICTURE.format("right")),
    Metric("mean_absolute_error", "Whole picture", "error", "", 3, -1,
        "By how much a channel of a pixel is off on average, of 1."),
    Metric("ssim_left", "Structure", "left", "SSIM", 3, 1, _SHAPES.format("left")),
    Metric("ssim_right", "Structure", "right", "SSIM", 3, 1, _SHAPES.format("right")),
    Metric("ssim", "Structure", "SSIM", "", 3, 1, _SHAPES.format("recovered")),
    Metric("ciede2000", "Colour", "difference", "ΔE", 1, -1,
        "How different the colours look to a person on average; about 1 can just be seen, 10 is plain."),
    Metric("chroma_error", "Colour", "|Δab|", "", 1, -1,
        "By how much the two colour axes of CIE Lab are off on average; brightness does not count."),
    Metric("colourfulness", "Colour", "colourfulness", "", 1, 0,
        "How vivid the picture is (Hasler and Süsstrunk): 0 = grey, about 60 = quite colourful."),
    Metric("colourfulness_difference", "Colour", "more than true", "", 1, 0,
        "How much more vivid than the true picture; below 0 = paler."),
    Metric("epe", "Depth", "error", "px", 2, -1,
        "By how many pixels the shift found between the two eyes is wrong on average."),
    Metric("psnr_inside", "Damage", "inside", "dB", 1, 1,
        "How close the picture is to the truth where dirt had hidden it."),
    Metric("psnr_outside", "Damage", "outside", "dB", 1, 1, "The same, everywhere else."),
    Metric("mask_overlap", "Damage", "found", "", 2, 1,
        "Overlap of the damage found with the true damage, as a share of both together."),
    Metric("residual", "Trust", "contradiction", "", 4, -1,
        "By how much the answer, before it was corrected, contradicted the input; 0 = not at all. Needs no truth."),
    Metric("match_share", "Trust", "matched", "", 3, 1,
        "Share of the picture for which both eyes name the same match. Needs no truth."),
    Metric("match_correlation", "Trust", "support", "", 3, 1,
        "How alike the edges of both eyes are where they match; near 0 = they show different scenes. Needs no truth."),
    Metric("unrelated", "Trust", "flagged", "", 2, -1,
        "Share of the pictures whose eyes match so little that they seem to show different scenes. Needs no truth."),
    Metric("color_difference", "Trust", "eyes differ", "", 1, -1,
        "By how many codes the views differ in colour where they match; much of it: a wrong method. Needs no truth."),
)  # fmt: skip
METRICS = {metric.name: metric for metric in _METRICS}
"""Every metric that the tasks declare, in the order of the page's columns."""

BASELINES: dict[str, tuple[str, str]] = {
    "identity": ("the untouched input", "the input itself, shown to both eyes"),
    "grey": ("the grey copy", "both eyes in the grey that each still sees; no colour is recovered"),
    "grey_copy": ("the grey copy", "the grey input itself in three equal channels; nothing is learnt"),
    "median": ("the median filter", "the median of 5x5 pixels of the input; nothing is learnt"),
    "bicubic": ("bicubic enlargement", "the small picture, smoothly enlarged"),
    "small_sgbm": ("small sgbm", "smooth enlargement, and classical stereo matching of the small pictures"),
    "sgbm": ("sgbm", "classical stereo matching moves the colours across; nothing is learnt"),
    "sgbm_blind": ("sgbm_blind", "the same by edges alone, whose contrast the colours of an anaglyph may reverse"),
}
"""Baseline -> its name in a sentence, what it does; from the plainest to the cleverest."""


def metric(name: str) -> Metric:
    """Returns how a metric is shown; one that is not known by name has no unit and no better side.

    Example:
        >>> metric("epe").better, metric("my_figure").label, metric("my_figure").better
        (-1, 'my figure', 0)
    """
    better = next((sign for part, sign in (("psnr", 1), ("ssim", 1), ("error", -1)) if part in name), 0)
    words = name.replace("_", " ")
    return METRICS.get(name) or Metric(name, "Other", words, "", 3, better, f"The figure '{words}' of this task.")


def variant_label(variant: str) -> str:
    """Returns a kind of input in words.

    Example:
        >>> variant_label("clean"), variant_label("jpeg85")
        ('clean input', 'input saved as JPEG, quality 85')
    """
    jpeg = re.fullmatch(r"jpeg(\d+)", variant)
    return f"input saved as JPEG, quality {jpeg[1]}" if jpeg else f"{variant.replace('_', ' ')} input"


def capitalized(text: str) -> str:
    """Returns the text with a capital at its start and nothing else changed.

    Example:
        >>> capitalized("saved as JPEG")
        'Saved as JPEG'
    """
    return text[:1].upper() + text[1:]


def shown(value: float | None, name: str) -> str:
    """Returns a figure with its metric's decimals, a dash if it is undefined.

    Example:
        >>> shown(21.449, "missing_psnr"), shown(None, "epe"), shown(float("inf"), "psnr_left")
        ('21.4', '–', '∞')
    """
    if value is None or math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.{metric(name).decimals}f}"


def called(what: str) -> str:
    """Returns the name of a baseline or a recipe in a sentence.

    Example:
        >>> called("grey"), called("anaglyph_unet")
        ('the grey copy', 'anaglyph_unet')
    """
    return BASELINES[what][0] if what in BASELINES else what


def ranked(whats: Sequence[str], figures: Means, headline: str) -> list[str]:
    """Returns those that have the headline figure, best first.

    Example:
        >>> ranked(["a", "b", "c"], {"a": {"epe": 2.0}, "b": {"epe": 1.0}, "c": {"epe": None}}, "epe")
        ['b', 'a']
    """
    values = {w: v for w in whats if (v := figures.get(w, {}).get(headline)) is not None and not math.isnan(v)}
    return sorted(values, key=lambda what: -(metric(headline).better or 1) * values[what])


def gain(what: str, other: str, figures: Means, headline: str) -> float:
    """Returns by how much `what` is better than `other` in the headline figure; negative = worse.

    Example:
        >>> gain("a", "b", {"a": {"epe": 2.0}, "b": {"epe": 1.0}}, "epe")
        -1.0
    """
    pair = [figures.get(w, {}).get(headline) for w in (what, other)]
    if pair[0] is None or pair[1] is None:
        return math.nan
    return (pair[0] - pair[1]) * (metric(headline).better or 1)


def amount(difference: float, headline: str) -> str:
    """Returns a difference without its sign, with its unit; nothing if it vanishes when rounded.

    Example:
        >>> amount(-3.14, "missing_psnr"), amount(0.01, "missing_psnr")
        ('3.1 dB', '')
    """
    text = shown(abs(difference), headline)
    return f"{text} {metric(headline).unit}".strip() if float(text.replace("∞", "inf")) else ""


def markdown_table(*rows: Sequence[str]) -> str:
    """Returns a table in Markdown; the first row is its head, and all columns but the first are aligned right.

    Example:
        >>> print(markdown_table(["", "epe"], ["sgbm", "2.50"]))
        |  | epe |
        |---|---:|
        | sgbm | 2.50 |
    """
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([head, "|---|" + "---:|" * (len(rows[0]) - 1), *body])
