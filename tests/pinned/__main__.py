"""`python -m tests.pinned REVISION`: this work tree answers as that revision did, byte for byte.

Both are asked the same by their command lines, on pictures that a package carries: `recover` in seven layouts, of a
JPEG file and of a film, `colorize`, `repair`, `upscale`, and the stages of one recipe with few steps. A restructuring
that is meant to change no number is compared with the commit before it.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data
import yaml

from tests.conftest import ROOT

LAYOUTS = ("sbs", "half-tb", "pair", "mpo", "wiggle", "anaglyph", "disparity")
STAGES = "*@anaglyph_unet"
FEW = {
    "train": {"steps": 4, "warmup_steps": 1, "validate_every": 2, "checkpoint_every": 2, "batch": 2},
    "synthesize": {"scenes": {"train": 4, "validation": 2, "test": 2}, "size": [96, 128]},
}
"""What replaces values of params.yaml, so that the stages take a minute."""


def commands(given: Path, out: Path) -> Iterator[list[str]]:
    """Yields the arguments of `restereo`, one list for each call."""
    anaglyph, left, right = given / "anaglyph.png", given / "left.png", given / "right.png"
    yield ["anaglyph", str(left), str(right), "-o", str(out / "made.png"), "--method", "green-magenta-half"]
    layouts = [part for name in LAYOUTS for part in ("--layout", name)]
    yield ["recover", str(anaglyph), "-o", str(out), *layouts]
    yield ["recover", str(given / "lossy.jpg"), "-o", str(out / "lossy.png"), "--method", "red-cyan-half", "--force"]
    yield ["recover", str(given / "film.mp4"), "-o", str(out / "film_sbs.mp4"), "--method", "red-cyan"]
    yield ["colorize", str(given / "grey.png"), "-o", str(out / "colorized.png")]
    yield ["repair", str(given / "grey.png"), "-o", str(out / "repaired.png")]
    yield ["upscale", str(given / "small_left.png"), str(given / "small_right.png"), "-o", str(out), "--scale", "2"]


def make_inputs(folder: Path) -> None:
    """Writes the pictures and the film that both trees are given."""
    left, right = (np.ascontiguousarray(view[::2, ::2]) for view in skimage.data.stereo_motorcycle()[:2])
    anaglyph = np.dstack([left[..., 0], right[..., 1:]])
    for name, picture in {"anaglyph": anaglyph, "left": left, "right": right}.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture[..., ::-1])
    for name, picture in {"small_left": left, "small_right": right}.items():
        cv2.imwrite(str(folder / f"{name}.png"), cv2.resize(picture, (96, 64), interpolation=cv2.INTER_AREA)[..., ::-1])
    cv2.imwrite(str(folder / "grey.png"), cv2.cvtColor(left, cv2.COLOR_RGB2GRAY))
    cv2.imwrite(str(folder / "lossy.jpg"), anaglyph[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    with av.open(str(folder / "film.mp4"), "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 240, 160, "yuv420p"
        for shift in range(6):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(anaglyph[:160, :240], shift, 1), format="rgb24")))
        film.mux(stream.encode())


def answers(tree: Path, given: Path, out: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file that a tree makes of the inputs, by its name."""
    out.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tree), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for arguments in commands(given, out):
        program = [sys.executable, "-c", "from restereo.cli import main; main()"]
        subprocess.run([*program, *arguments], cwd=given, env=environment, check=True, stdout=subprocess.DEVNULL)
    data = out / "project"
    shutil.copytree(tree, data, ignore=shutil.ignore_patterns(".git", ".venv", "data", ".dvc", "dvc.lock", ".*_cache"))
    params = yaml.safe_load((data / "params.yaml").read_text(encoding="utf-8"))
    params = {**params, **{section: {**params[section], **values} for section, values in FEW.items()}}
    (data / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    for command in (["dvc", "init", "-q", "--no-scm"], ["dvc", "-q", "repro", "--glob", STAGES]):
        subprocess.run(command, cwd=data, env={**environment, "PYTHONPATH": str(data)}, check=True)
    kept = [file for file in out.rglob("*") if file.is_file() and data not in file.parents]
    kept += [file for part in ("manifest", "pairs", "evaluation") for file in (data / "data" / part).rglob("*.*")]
    kept += (data / "data" / "runs").rglob("*.safetensors")
    skipped = (".html", ".gitignore", ".lock")
    return {
        str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in kept
        if file.is_file() and not file.name.endswith(skipped)
    }


def main() -> int:
    """Returns 0 if nothing differs; prints what does."""
    parser = argparse.ArgumentParser(prog="python -m tests.pinned", description=__doc__)
    parser.add_argument("revision", help="such as 3f5fead or HEAD~1")
    with tempfile.TemporaryDirectory() as name:
        folder, revision = Path(name), parser.parse_args().revision
        (folder / "given").mkdir()
        make_inputs(folder / "given")
        worktree = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*worktree, "add", "-q", "--detach", str(folder / "before"), revision], check=True)
        try:
            before = answers(folder / "before", folder / "given", folder / "made-before")
        finally:
            subprocess.run([*worktree, "remove", "--force", str(folder / "before")], check=True)
        now = answers(ROOT, folder / "given", folder / "made-now")
    different = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    for name in different:
        state = "gone" if name not in now else "new" if name not in before else "changed"
        print(f"{state}: {name}")
    print(f"{len(before)} files of {revision}, {len(different)} differ.")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
