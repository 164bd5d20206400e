"""`params.yaml`, checked before anything runs."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import yaml
from pydantic import AfterValidator, ConfigDict, Field, field_validator

from restereo import catalog
from restereo.errors import Parameter, UserError, nearest
from restereo.margins import Drift, Promotion
from restereo.options import Section, parse

Split = Literal["train", "validation", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)
Side = Annotated[int, Field(ge=16, multiple_of=16)]


def _row_name(name: str) -> str:
    """Returns the name of a row: DVC takes a dot for the next key, MLflow and file systems refuse other signs."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError(f"a row's name is letters, digits, '_' and '-'{f'; write {plain}' if plain else ''}")
    return name


RowName = Annotated[str, AfterValidator(_row_name)]


class Task(Section):
    """A row of `tasks:`. Keys beyond these two are options of the task's own file."""

    model_config = ConfigDict(extra="allow")
    sources: list[str] = Field(min_length=1)
    kind: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """The options of the task's own file."""
        return dict(self.model_extra or {})


class Source(Section):
    """A row of `sources:`. Keys beyond this one are options of the source's own file."""

    model_config = ConfigDict(extra="allow")
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
    model_options: dict[str, Any] = Field({})
    objective_options: dict[str, Any] = Field({})
    train: dict[str, Any] = Field({})


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
    exclude: tuple[str, ...] = ()
    assign: dict[str, Split] = Field({})


class Synthesize(Section):
    """Stage `synthesize`: how many scenes photos become, their size, and the degradations of training inputs.

    Attributes:
        max_pair_width: Real pairs for training that are wider, in px, are shrunk to it; their disparities with them.
    """

    scenes: dict[Split, int] = Field({"train": 120, "validation": 12, "test": 24})
    size: tuple[int, int] = (192, 256)
    max_disparity: float = Field(40.0, gt=0)
    shard_mib: int = Field(256, ge=1)
    max_pair_width: int | None = Field(None, ge=64)
    degradations: dict[str, Any] = Field({})


class Start(Section):
    """Weights that a training starts from instead of random ones; the sum makes sure that they are these.

    Attributes:
        parts: First names of the modules whose weights are taken; by default all are, and must be those of the network.
    """

    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    parts: list[str] | None = None


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
        return (value, value) if isinstance(value, int) else tuple(value) if isinstance(value, list) else value


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
    sources: dict[RowName, Source]
    tasks: dict[RowName, Task]
    recipes: dict[RowName, Recipe]
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

    def train_of(self, name: str, where: str = "") -> Train:
        """Returns the `train` section with the recipe's own values laid over it.

        Raises:
            UserError: One of them is wrong; its sentence starts with `where`.
        """
        return parse(Train, {**self.train.model_dump(), **self.recipe(name).train}, where, f"recipes.{name}.train")


class _Loader(yaml.SafeLoader):
    """YAML 1.2's numbers, as DVC reads and writes them: `1e-5` is one."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+$"), list("-+.0123456789")
)


def _check_rows(params: Params, where: str) -> None:
    """Raises `UserError` unless every name of the tables leads to a file or to a row, with options that it has."""
    for name, row in params.sources.items():
        kind, at = params.source(name).kind, f"{where}source '{name}': " if row.kind else where
        catalog.check("source", kind, at)
        catalog.check_options("source", kind, row.options, where, f"sources.{name}")
    settings = catalog.declared("imaging/degradations.py", "Degradations")
    parse(settings, params.synthesize.degradations, where, "synthesize.degradations")
    for name, task in params.tasks.items():
        catalog.check("task", params.kinds[name], f"{where}task '{name}': ")
        catalog.check_options("task", params.kinds[name], task.options, where, f"tasks.{name}")
        for source in task.sources:
            if source not in params.sources:
                raise UserError(f"{where}task '{name}': unknown source '{source}': {nearest(source, params.sources)}.")
    for name, recipe in params.recipes.items():
        _check_recipe(params, name, recipe, where)
        params.train_of(name, where)


def _check_recipe(params: Params, name: str, recipe: Recipe, where: str) -> None:
    at, place = f"{where}recipe '{name}': ", f"recipes.{name}"
    if recipe.task not in params.tasks:
        raise UserError(f"{at}unknown task '{recipe.task}': {nearest(recipe.task, params.tasks)}.")
    kind = params.kinds[recipe.task]
    if recipe.kind and recipe.kind != kind:
        raise UserError(
            f"{where}recipe '{name}' is of kind '{recipe.kind}', but its task '{recipe.task}' is of kind '{kind}'; "
            f"write kind: {kind}."
        )
    catalog.check("model", recipe.model, at)
    catalog.check("objective", recipe.objective, at)
    catalog.check_options("objective", recipe.objective, recipe.objective_options, where, f"{place}.objective_options")
    catalog.check_fit(recipe.model, catalog.channels_of("task", kind), at)
    # Of a pair of task and model, the scale is the task's: a model with that option is given it.
    scale = getattr(catalog.check_options("task", kind, params.tasks[recipe.task].options), "scale", 1)
    given = recipe.model_options.get("scale", scale)
    known = "scale" in catalog.options_of("model", recipe.model).model_fields
    if known and scale == 1:
        raise UserError(f"{at}model '{recipe.model}' enlarges, task '{recipe.task}' does not; take another model.")
    if known and given != scale:
        raise UserError(
            f"{where}'{place}.model_options.scale': it is {given}, but the task's is {scale}; leave it out."
        )
    catalog.check_options("model", recipe.model, recipe.model_options, where, f"{place}.model_options")


def parse_params(values: Any, where: str = "") -> Params:
    """Returns the checked parameters; `where` is what the sentence of an error starts with.

    Raises:
        UserError: A key is unknown, a value is wrong, a name leads nowhere, or a task and a model do not fit.
    """
    params = parse(Params, values, where)
    _check_rows(params, where)
    return params


def load_params(file: Path = Path("params.yaml")) -> Params:
    """Returns the checked parameters.

    Raises:
        UserError: The file is missing or not YAML, or `parse_params` refuses what it says.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise UserError(
            "no such file",
            where=file,
            remedy=("run this where params.yaml lies, or name it with ", Parameter("params")),
        ) from None
    except yaml.YAMLError as error:
        raise UserError(f"{file}: not YAML: {' '.join(str(error).split())}.") from None
    return parse_params(content, f"{file}: ")
