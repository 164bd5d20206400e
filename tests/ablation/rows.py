"""The rows of the ablation: the released recipe, and what it is without each of its parts."""

from dataclasses import dataclass, field
from typing import Any, final


@final
@dataclass(frozen=True)
class Row:
    """What differs from the whole network.

    Attributes:
        says: What the row shows.
        model: The network.
        options: Its options.
        objective: What it learns from.
        objective_options: Options of that.
        train: Values laid over the common training settings.
        degradations: Values laid over `synthesize.degradations`.
    """

    says: str
    model: str = "parallax"
    options: dict[str, Any] = field(default_factory=lambda: {"size": "base"})
    objective: str = "pixel"
    objective_options: dict[str, Any] = field(default_factory=lambda: {"squared_weight": 5.0})
    train: dict[str, Any] = field(default_factory=dict)
    degradations: dict[str, Any] = field(default_factory=dict)


COMMON: dict[str, Any] = {
    "start": None,
    "batch": 4,
    "crop": (128, 320),
    "pair_share": 0.35,
    "learning_rate": 0.001,
    "warmup_steps": 20,
    "ema_decay": 0.98,
    "patience": 100,
    "workers": 0,
    "threads": 1,
}
"""Training settings of every row; the number of steps follows from the time."""

ROWS: dict[str, Row] = {
    "whole": Row("the released recipe"),
    "classical": Row("no matching network: OpenCV's match alone", options={"size": "base", "matching": "classical"}),
    "unet": Row("no matching: a plain U-Net of the same size", "unet", {"size": "medium"}),
    "pairs": Row("no generated scenes: the real pairs alone", train={"pair_share": 1.0}),
    "no_jpeg": Row("no JPEG in training", degradations={"jpeg": 0.0}),
    "predecessor_unet": Row("the predecessor's U-Net, 31 M", "predecessor_unet"),
    "predecessor_gan": Row(
        "the predecessor's GAN, 16.7 M", "predecessor_gan", objective="adversarial", objective_options={}
    ),
}
