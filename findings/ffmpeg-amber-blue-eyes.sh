#!/usr/bin/env bash
# ffmpeg 7.0.2 (imageio-ffmpeg 0.6.0), filter stereo3d: three of its four amber-blue outputs show the eyes the other way round.
#
# The manual says of aybg, aybh and aybc as of aybd: "yellow filter on left eye, blue filter on right eye". Seen: aybg, aybh
# and aybc put the RIGHT view into red and green and the LEFT one into blue; aybd alone does what the manual says. Who
# watches an `aybc` picture through amber-blue glasses sees depth inverted. The red-cyan and green-magenta outputs agree
# with the manual. (stereo3d=sbsl:MODE on a left view of 200,150,100 beside a right one of 20,40,60.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check imageio-ffmpeg==0.6.0 numpy==2.4.6
"$folder/env/bin/python" - <<'PY'
import subprocess
import sys

import imageio_ffmpeg
import numpy as np

LEFT, RIGHT = (200, 150, 100), (20, 40, 60)
SEEN = {
    "arcc": [200, 40, 60],  # red of the left eye, green and blue of the right: as the manual says
    "agmc": [20, 150, 60],  # green of the left eye, red and blue of the right: as the manual says
    "aybc": [20, 40, 100],  # red and green of the RIGHT eye, blue of the LEFT
    "aybh": [20, 40, 159],
    "aybg": [36, 36, 159],
    "aybd": [205, 139, 32],  # mostly the left eye in red and green, mostly the right in blue
}
frame = np.concatenate([np.full((16, 16, 3), view, np.uint8) for view in (LEFT, RIGHT)], axis=1)
raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
found = {}
for mode in SEEN:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, "-s", "32x16", "-i", "-"]
    made = subprocess.run(
        [*command, "-vf", f"stereo3d=sbsl:{mode}", *raw, "-"], input=frame.tobytes(), capture_output=True, check=True
    )
    found[mode] = np.frombuffer(made.stdout, np.uint8)[:3].tolist()
    print(mode, found[mode])
sys.exit(found != SEEN)
PY
