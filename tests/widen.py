"""Starts a wider U-Net where a narrower one arrived: the same answers at first, with new channels to learn with.

    python -m tests.widen old_photo_denoise --size fine -o wider.safetensors

writes weights to train on from, and prints what to write into the row: `train: {start: {file: …, sha256: …}}`.
After Chen et al. 2016 (Net2Net), but new channels start at random and nothing old reads them yet.
"""

import argparse
import re
from pathlib import Path

import torch
from torch import Tensor

from restereo import catalog
from restereo.digests import file_sha256
from restereo.inference.lookup import find_model
from restereo.training.run_folder import write_weights

JOINED = re.compile(r"\.up\.\d+\.(first|skip)\.weight$")
"""Layers that read two groups of channels, one behind the other: what came up, and what was kept."""
TRANSPOSED = re.compile(r"\.grow\.\d+\.weight$")
"""Layers whose weights are (in, out, …)."""


def places(narrow: int, wide: int, groups: int) -> Tensor:
    """Returns where the channels of the narrower network lie among the wider one's, if both have so many groups.

    Example:
        >>> places(4, 6, 2).tolist()
        [0, 1, 3, 4]
    """
    return torch.cat([torch.arange(narrow // groups) + group * (wide // groups) for group in range(groups)])


def widened(narrow: dict[str, Tensor], fresh: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the weights of a fresh wider network that answers as the narrower one does."""
    filled = {}
    for name, weight in fresh.items():
        old, new = narrow[name].float(), weight.clone()
        if old.ndim == 1:
            new[: len(old)] = old
        else:
            if TRANSPOSED.search(name):
                old, new = old.transpose(0, 1), new.transpose(0, 1)
            columns = places(old.shape[1], new.shape[1], 2 if JOINED.search(name) else 1)
            new[: old.shape[0]] = 0
            new[: old.shape[0], columns] = old
            if TRANSPOSED.search(name):
                new = new.transpose(0, 1)
        filled[name] = new.contiguous()
    return filled


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="released weights, a run, or a run folder")
    parser.add_argument("--size", required=True, help="of the wider U-Net")
    parser.add_argument("-o", "--out", type=Path, required=True, help="file to write")
    asked = parser.parse_args()
    restorer = find_model(asked.network)
    options = {**restorer.config["row"]["model_options"], "size": asked.size}
    torch.manual_seed(restorer.config["seed"])
    channels = restorer.task.channels_in, restorer.task.channels_out
    model = catalog.build("model", restorer.config["row"]["model"], *channels, **options)
    write_weights(asked.out, widened(restorer.model.state_dict(), model.state_dict()))
    print(f"start: {{file: {asked.out}, sha256: {file_sha256(asked.out)}}}")


if __name__ == "__main__":
    main()
