#!/usr/bin/env bash
# albumentations 2.0.8, ImageCompression: an RGB picture is compressed as if it were BGR.
#
# The library's pictures are RGB, but the transform hands them to OpenCV's encoder as they are, and that takes the first
# channel for blue. JPEG weighs blue least, so what a real file does to blue detail happens to red, and the other way
# round. A network trained on it to undo the compression of red-cyan anaglyphs learns to mend the wrong eye. Seen at quality 85 on
# a picture whose detail of one pixel is in red alone: mean error of red 60.9 codes (a JPEG file: 46.7) and of green and
# blue 9.1 (23.3); the bytes equal those of cv2.imencode given the RGB array.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    albumentations==2.0.8 numpy==2.4.6 opencv-python-headless==5.0.0.93 pillow==12.0.0
NO_ALBUMENTATIONS_UPDATE=1 "$folder/env/bin/python" - <<'PY'
import io
import sys
import warnings

warnings.simplefilter("ignore")
import albumentations as A
import cv2
import numpy as np
from PIL import Image

QUALITY = 85
picture = np.full((64, 64, 3), 128, np.uint8)
picture[..., 0] = np.where(np.indices((64, 64)).sum(0) % 2, 200, 60)
made = A.ImageCompression(quality_range=(QUALITY, QUALITY), compression_type="jpeg", p=1)(image=picture)["image"]
stream = io.BytesIO()
Image.fromarray(picture).save(stream, "JPEG", quality=QUALITY)
true = np.asarray(Image.open(stream))
as_bgr = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1], cv2.IMREAD_COLOR)
errors = {name: np.abs(one.astype(int) - picture).mean((0, 1)).round(1).tolist() for name, one in
          {"albumentations": made, "a JPEG file": true}.items()}
print("albumentations", A.__version__, errors, "as if BGR:", np.array_equal(made, as_bgr))
sys.exit(not (np.array_equal(made, as_bgr) and errors["albumentations"][0] > errors["a JPEG file"][0] + 10))
PY
