"""Sections `promotion` and `drift` of `params.yaml`: what counts as better, and as different. No stage has them."""

from typing import Literal

from pydantic import Field

from restereo.options import Section


class Slice(Section):
    """A part of the test pictures that a challenger must not lose on.

    Attributes:
        trait: `brightness`, mean of the true picture in 0 to 255, or `disparity`, the largest in px but for 2 % of it.
        end: Which end of the trait.
        share: Share of the pictures whose trait is known.
    """

    trait: Literal["brightness", "disparity"]
    end: Literal["lowest", "highest"]
    share: float = Field(0.25, gt=0, le=1)


class Guards(Section):
    """What a challenger may lose, and still win. Figures of the headline are in dB.

    Attributes:
        worst_decile: Mean of the worst tenth, of all pictures and of each slice.
        jpeg: Mean over inputs that went through a JPEG file.
        seconds: Share by which the time per megapixel may grow.
        size: Share by which the weights may grow.
        match_support: Matched share and correlation, each in 0 to 1.
    """

    worst_decile: float = Field(0.3, ge=0)
    jpeg: float = Field(0.1, ge=0)
    seconds: float = Field(0.25, ge=0)
    size: float = Field(0.25, ge=0)
    match_support: float = Field(0.02, ge=0)


class Promotion(Section):
    """When a challenger becomes champion. No stage depends on this section.

    Attributes:
        gain: What the lower bound of the gain in the headline must exceed, in dB (docs/promotion.md).
        confidence: Of the two-sided interval whose lower end that is.
        min_scenes: With fewer test scenes there is no verdict.
        resamples: Of the bootstrap.
        slices: Parts of the test pictures that are guarded by themselves.
        guards: What may be lost.
    """

    gain: float = Field(0.1, ge=0)
    confidence: float = Field(0.95, gt=0.5, lt=1)
    min_scenes: int = Field(20, ge=2)
    resamples: int = Field(10_000, ge=1000)
    slices: dict[str, Slice] = Field(
        {
            "dark": Slice(trait="brightness", end="lowest"),
            "wide": Slice(trait="disparity", end="highest"),
        }
    )
    guards: Guards = Guards()


class Drift(Section):
    """When the pictures that are recovered count as others than those of the training. No stage depends on this.

    Attributes:
        psi: Least population stability index; .25 is the usual limit of a large shift.
        p: Greatest probability of the shift by chance, shared by all figures.
        min_pictures: With fewer in the log there is no verdict.
        min_expected: With fewer to compare them with, neither.
    """

    psi: float = Field(0.25, gt=0)
    p: float = Field(0.01, gt=0, lt=1)
    min_pictures: int = Field(50, ge=2)
    min_expected: int = Field(20, ge=2)
