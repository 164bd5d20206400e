"""The model as MLflow loads it back (models from code): a run folder and the library, never a pickle.

MLflow copies this file beside the model's files and runs it when `mlflow.pyfunc.load_model` is called.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError
from restereo.image import Image
from restereo.methods import parse_or_detect

with warnings.catch_warnings():
    # MLflow warns about its own type hints while it is imported.
    warnings.simplefilter("ignore")
    from mlflow.models import ModelSignature, set_model
    from mlflow.pyfunc.model import PythonModel
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

Pictures = NDArray[np.uint8]
DESCRIPTION = """Models of task **{name}**: a picture in, the views that are restored of it out.

```python
model = mlflow.pyfunc.load_model("models:/{name}@challenger")
views = model.predict(picture)  # uint8 (H, W, 3) or (N, H, W, 3) -> uint8 (N, views, H, W, 3): left, right
```

`challenger` is the newest import, `champion` the one in use. Every version was loaded back and predicted before it
got its number; its tags say which code, data, parameters, seed and machine it comes from, and what the strictest
licence of its data lets it be used for (`licence_strictest`, `licence_class`).
"""


def as_batch(pictures: Any) -> Pictures:
    """Returns `(N, H, W, 3)` uint8 of one picture `(H, W, 3)` or of many.

    Whole numbers of another type are taken too: JSON, which a server is fed with, knows no uint8.

    Raises:
        UserError: The shape is another one, or a value is not a whole number in 0..255.

    Example:
        >>> as_batch(np.zeros((4, 5, 3), np.uint8)).shape
        (1, 4, 5, 3)
    """
    array = np.asarray(pictures)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or not array.size:
        raise UserError(f"input: shape {array.shape} is not (H, W, 3) or (N, H, W, 3); give RGB pictures.")
    if array.dtype != np.uint8:
        if array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
            raise UserError(f"input: {array.dtype} is not uint8; give whole numbers from 0 to 255.")
        array = array.astype(np.uint8)
    return array[None] if array.ndim == 3 else array


def signature() -> ModelSignature:
    """Returns what the model takes and gives: uint8 pictures, and the two options of `predict`.

    Example:
        >>> signature().inputs.inputs[0].shape
        (-1, -1, -1, 3)
    """
    byte = np.dtype(np.uint8)
    made = ModelSignature(
        Schema([TensorSpec(byte, (-1, -1, -1, 3))]),
        Schema([TensorSpec(byte, (-1, -1, -1, -1, 3))]),
        ParamSchema([ParamSpec("method", "string", "auto"), ParamSpec("jpeg", "long", 0)]),
    )
    # MLflow then leaves the check of the input to `predict`, which also takes a single picture (H, W, 3).
    made._is_signature_from_type_hint = True
    return made


class RegisteredModel(PythonModel):
    """Pictures in, restored views out."""

    def load_context(self, context: Any) -> None:
        """Loads the run folder. MLflow calls it by this very name and with this very argument."""
        from restereo.inference.engine import load_run

        self.run = load_run(Path(context.artifacts["config"]).parent)

    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> np.ndarray:
        """Returns `(N, V, H, W, 3)` uint8: the views that are restored of each of N pictures, both or the one.

        Args:
            context: What MLflow loaded the model from; not used here.
            model_input: `(H, W, 3)` or `(N, H, W, 3)` uint8 RGB; a task of pairs takes them side by side.
            params: `method`: the anaglyph's method, `auto` to detect it. `jpeg`: the quality it was saved
                with, 0 if it was not.
        """
        options = params or {}
        method, quality = parse_or_detect(options.get("method", "auto")), options.get("jpeg", 0) or None
        images = [Image(picture, lossy=quality is not None) for picture in as_batch(model_input)]
        return np.stack([self.run.restore(image, method, maps=False).pixels for image in images])


set_model(RegisteredModel())
