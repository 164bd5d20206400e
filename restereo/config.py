"""`params.yaml`, checked before anything runs."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from restereo import catalog
from restereo.errors import UserError, nearest
from restereo.margins import Drift, Promotion, Slice

Split = Literal["train", "validation", "test"]
Side = Annotated[int, Field(ge=16, multiple_of=16)]


class Section(BaseModel):
    """A part of `params.yaml`; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Task(BaseModel):
    """A row of `tasks:`. Keys beyond these two are options of the task's own file."""

    model_config = ConfigDict(extra="allow", frozen=True)
    sources: list[str] = Field(min_length=1)
    kind: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """The options of the task's own file."""
        return dict(self.model_extra or {})


class Source(BaseModel):
    """A row of `sources:`. Keys beyond this one are options of the source's own file."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """The options of the source's own file."""
        return dict(self.model_extra or {})


class Recipe(Section):
    """A row of `recipes:`: what is trained on what, and what differs from the common `train` section.

    Attributes:
        kind: The task's file, again: `dvc.yaml` names it, and cannot look it up in `tasks:` (docs/decisions/0010).
    """

    task: str
    kind: str = ""
    model: str
    objective: str
    model_options: dict[str, Any] = {}
    objective_options: dict[str, Any] = {}
    train: dict[str, Any] = {}


class Download(Section):
    """Stage `download`; each source has its own options in `sources:`."""


class Validate(Section):
    """Stage `validate`: split shares (by scene) and the limits of the suite.

    Attributes:
        assign: source/group -> the split of that group, whatever the shares say.
    """

    validation_share: float = Field(0.1, ge=0, lt=1)
    test_share: float = Field(0.1, ge=0, lt=1)
    min_side: int = Field(64, ge=1)
    max_pixels: int = Field(100_000_000, ge=1)
    min_std: float = Field(3.0, ge=0)
    max_vertical_offset: float = Field(3.0, ge=0)
    min_eye_order: float = -0.7
    near_duplicate_bits: int = Field(4, ge=0, le=64)
    exclude: list[str] = []
    assign: dict[str, Split] = {}


class Synthesize(Section):
    """Stage `synthesize`: how many scenes photos become, their size, and the degradations of training inputs.

    Attributes:
        max_pair_width: Real pairs for training that are wider, in px, are shrunk to it; their disparities with them.
    """

    scenes: dict[Split, int] = {"train": 120, "validation": 12, "test": 24}
    size: tuple[int, int] = (192, 256)
    max_disparity: float = Field(40.0, gt=0)
    shard_mib: int = Field(256, ge=1)
    max_pair_width: int | None = Field(None, ge=64)
    degradations: dict[str, Any] = {}


class Start(Section):
    """Weights that a training starts from instead of random ones; the sum makes sure that they are these."""

    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Train(Section):
    """Stage `train`, and what a recipe's row may override.

    Attributes:
        start: Trained weights of the same network to go on from; by default it starts from random ones.
        crop: Height and width of a training window in px; one number means a square.
        pair_share: Share of the windows that come from real pairs; by default each scene's area decides.
        keep: Which validated weights become the run's: the best by the task's headline, or the last, where a recipe is
            after what the headline does not show, such as livelier colours. With the last there is no early stop.
    """

    start: Start | None = None
    steps: int = Field(300, ge=1)
    batch: int = Field(8, ge=1)
    crop: tuple[Side, Side] = (96, 96)
    pair_share: float | None = Field(None, ge=0, le=1)
    learning_rate: float = Field(1e-3, gt=0)
    warmup_steps: int = Field(50, ge=0)
    weight_decay: float = Field(0.0, ge=0)
    ema_decay: float = Field(0.99, ge=0, lt=1)
    gradient_clip: float = Field(1.0, gt=0)
    validate_every: int = Field(100, ge=1)
    checkpoint_every: int = Field(100, ge=1)
    patience: int = Field(10, ge=1)
    keep: Literal["best", "last"] = "best"
    workers: int = Field(0, ge=0)
    threads: int = Field(2, ge=1)

    @field_validator("crop", mode="before")
    @classmethod
    def _square(cls, value: Any) -> Any:
        return (value, value) if isinstance(value, int) else value


class Evaluate(Section):
    """Stage `evaluate`."""

    jpeg_quality: int = Field(85, ge=1, le=100)
    pictures: int = Field(6, ge=1)


class Report(Section):
    """Stage `report`."""

    picture_height: int = Field(384, ge=32)


class Params(Section):
    """The whole of `params.yaml`."""

    seed: int = Field(0, ge=0)
    sources: dict[str, Source]
    tasks: dict[str, Task]
    recipes: dict[str, Recipe]
    download: Download = Download()
    validation: Validate = Field(Validate(), alias="validate")
    synthesize: Synthesize = Synthesize()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    report: Report = Report()
    promotion: Promotion = Promotion()
    drift: Drift = Drift()

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The file under `restereo/tasks/` of each row of `tasks:`; by default it has the row's name."""
        return {name: row.kind or name for name, row in self.tasks.items()}

    def task(self, name: str) -> Task:
        """Returns a row of `tasks:`.

        Raises:
            UserError: There is no such row.
        """
        if name not in self.tasks:
            raise UserError(f"unknown task '{name}': {nearest(name, self.tasks)}.")
        return self.tasks[name]

    def source(self, name: str) -> Source:
        """Returns a row of `sources:`, its kind (the file under `restereo/datasets/`) by default the row's name.

        Raises:
            UserError: There is no such row.
        """
        if name not in self.sources:
            raise UserError(f"params.yaml: unknown source '{name}': {nearest(name, self.sources)}.")
        row = self.sources[name]
        return row if row.kind else row.model_copy(update={"kind": name})

    def recipe(self, name: str) -> Recipe:
        """Returns a row of `recipes:`.

        Raises:
            UserError: There is no such row.
        """
        if name not in self.recipes:
            raise UserError(f"unknown recipe '{name}': {nearest(name, self.recipes)}.")
        return self.recipes[name]

    def train_of(self, name: str) -> Train:
        """Returns the `train` section with the recipe's own values laid over it."""
        return Train.model_validate({**self.train.model_dump(), **self.recipe(name).train})


def _sentence(file: Path, error: ValidationError) -> str:
    # A misspelt key is both unknown and missing; only the first says which one it was.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        holder: Any = Params
        for part in first["loc"][:-1]:
            fields = {f.alias or key: f for key, f in getattr(holder, "model_fields", {}).items()}
            annotation = fields[str(part)].annotation if str(part) in fields else holder
            rows = {"recipes": Recipe, "tasks": Task, "slices": Slice}
            holder = rows.get(str(part), annotation)
        known = [f.alias or key for key, f in holder.model_fields.items()]
        return f"{file}: unknown key '{place}': {nearest(str(first['loc'][-1]), known)}."
    return f"{file}: '{place}': {first['msg']} (it is {first['input']!r:.60})."


def _check_rows(params: Params, file: Path) -> None:
    """Every name in the three tables leads to a file or to another row."""
    for name, row in params.sources.items():
        kind, where = params.source(name).kind, f"{file}: source '{name}': " if row.kind else f"{file}: "
        catalog.check("source", kind, where)
        catalog.check_options("source", kind, row.options, where)
    for name, task in params.tasks.items():
        catalog.check("task", params.kinds[name], f"{file}: task '{name}': ")
        catalog.check_options("task", params.kinds[name], task.options, f"{file}: ")
        for source in task.sources:
            if source not in params.sources:
                raise UserError(f"{file}: task '{name}': unknown source '{source}': {nearest(source, params.sources)}.")
    for name, recipe in params.recipes.items():
        if recipe.task not in params.tasks:
            raise UserError(
                f"{file}: recipe '{name}': unknown task '{recipe.task}': {nearest(recipe.task, params.tasks)}."
            )
        if recipe.kind and recipe.kind != params.kinds[recipe.task]:
            raise UserError(
                f"{file}: recipe '{name}' is of kind '{recipe.kind}', but its task '{recipe.task}' is of kind "
                f"'{params.kinds[recipe.task]}'; write kind: {params.kinds[recipe.task]}."
            )
        catalog.check("model", recipe.model, f"{file}: recipe '{name}': ")
        catalog.check("objective", recipe.objective, f"{file}: recipe '{name}': ")
        catalog.check_options("model", recipe.model, recipe.model_options, f"{file}: recipe '{name}': ")
        catalog.check_options("objective", recipe.objective, recipe.objective_options, f"{file}: recipe '{name}': ")
        for key in recipe.train:
            if key not in Train.model_fields:
                raise UserError(
                    f"{file}: unknown key 'recipes.{name}.train.{key}': {nearest(key, Train.model_fields)}."
                )


def load_params(file: Path = Path("params.yaml")) -> Params:
    """Returns the checked parameters.

    Raises:
        UserError: The file is missing, is not YAML, has an unknown key or a value out of range, or names a
            source, task, model or objective that does not exist.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{file}: no such file; run the command where params.yaml lies, or name it with --params."
        ) from None
    except yaml.YAMLError as error:
        raise UserError(f"{file}: not YAML: {' '.join(str(error).split())}.") from None
    try:
        params = Params.model_validate(content)
        _check_rows(params, file)
        for name in params.recipes:
            params.train_of(name)
    except ValidationError as error:
        raise UserError(_sentence(file, error)) from None
    return params
