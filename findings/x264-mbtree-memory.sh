#!/usr/bin/env bash
# x264 (of ffmpeg 7.0.2 in imageio-ffmpeg 0.6.0): with mbtree, which is on by default, the same frames and options give other
# bytes when memory held something else before.
#
# One thread, eight frames of 480x160, `-crf 16`. glibc's MALLOC_PERTURB_ says what memory is filled with when it is handed
# out; five values give four different streams. With mbtree=0 all five are the same. In a long-running process no variable is needed:
# what was freed before decides, so that two runs of one program differ now and then. The x264 core 165 of PyAV 18.1.0 does the
# same. Whoever compares encoded films by their hashes, or joins segments made in two runs, has to turn mbtree off.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check imageio-ffmpeg==0.6.0 numpy==2.4.6
"$folder/env/bin/python" - <<'PY'
import hashlib
import os
import subprocess
import sys

import imageio_ffmpeg
import numpy as np

blocks = np.kron(np.random.default_rng(0).integers(0, 256, (20, 60), np.uint8), np.ones((8, 8), np.uint8))
chroma = np.full((80, 480), 128, np.uint8)
frames = b"".join(np.concatenate([np.roll(blocks, shift, 1), chroma]).tobytes() for shift in range(8))
source = "-f rawvideo -pix_fmt yuv420p -s 480x160 -r 25 -i -".split()


def stream(mbtree: int, fill: int) -> str:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, "-c:v", "libx264", "-threads", "1", "-crf", "16"]
    command += ["-x264-params", f"mbtree={mbtree}", "-f", "h264", "-"]
    environment = {**os.environ, "MALLOC_PERTURB_": str(fill)}
    made = subprocess.run(command, input=frames, capture_output=True, check=True, env=environment)
    return hashlib.sha256(made.stdout).hexdigest()[:8]


print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
counts = {}
for mbtree in (1, 0):
    found = [stream(mbtree, fill) for fill in (0, 1, 85, 170, 255)]
    counts[mbtree] = len(set(found))
    print(f"mbtree={mbtree}", *found)
sys.exit(not (counts[1] > 1 and counts[0] == 1))
PY
