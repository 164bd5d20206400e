"""Options as typed models: unknown keys, other types and values out of range end in one sentence."""

import json
import re
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from restereo.errors import UserError, nearest, similar

Channels = tuple[int | None, int | None]
"""Of a task: what it lifts an observation to and what it restores. Of a model: what it takes and gives, None = any."""
Weight = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """A part of `params.yaml`, or the options of an entry of the catalog; text is no number, none is infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], values: Any, where: str = "", place: str = "", owner: str = "") -> Model:
    """Returns the values of a YAML or JSON file, or of keyword arguments, as a typed model.

    Args:
        model: The model.
        values: Plain tables, lists and numbers.
        where: What the sentence of an error starts with, such as `params.yaml: `.
        place: The key of these values in the file, with dots.
        owner: What has these options, such as `model 'unet'`; empty for a section.

    Raises:
        UserError: A key is unknown, or a value is not what the model allows: one sentence that names the key, the
            rule, the value, and the nearest right one.

    Example:
        >>> class Options(Section):
        ...     size: int = Field(1, ge=1)
        >>> parse(Options, {"size": 2}).size
        2
        >>> parse(Options, {"sise": 2}, "params.yaml: ", "train")
        Traceback (most recent call last):
        restereo.errors.UserError: params.yaml: unknown key 'train.sise': did you mean 'size'? Known: size.
    """
    try:
        # As JSON, whose lists are tuples to a strict model; in Python only tuples are.
        return model.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        raise UserError(where + _sentence(model, error, place, owner)) from None


def _sentence(model: type[BaseModel], error: ValidationError, place: str, owner: str) -> str:
    # A misspelt key is both unknown and missing; only the first says which one it was.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    loc, unknown = first["loc"], first["type"] == "extra_forbidden"
    known = _fields(model, loc[:-1]) if unknown or first["type"] == "missing" else []
    if first["type"] == "missing" and (given := similar(str(loc[-1]), set(first["input"]) - set(known))):
        loc, unknown = (*loc[:-1], given), True  # of a model that lets other keys through
    key = ".".join(str(part) for part in (*place.split("."), *loc) if part not in ("", "[key]"))
    at = f"'{key}': " if key and (place or not unknown) else ""
    if unknown and owner and len(loc) == 1:
        return f"{at}{owner} has no option '{loc[-1]}': {nearest(str(loc[-1]), known)}."
    if unknown:
        return f"unknown key '{key}': {nearest(str(loc[-1]), known)}."
    return f"{f'{owner}: ' if owner and not place else ''}{at}{_rule(first)}"


def _rule(error: ErrorDetails) -> str:
    """Returns what is wrong with a value, and what to write instead where that is known."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if isinstance(context.get("error"), UserError):  # a sentence of its own
        return str(context["error"])
    message = error["msg"].removeprefix("Value error, ")
    message = message.replace("a valid array", "a list").replace("an object", "a table")  # YAML's words, not JSON's
    if kind == "missing":
        return f"{message}."
    message += f" (it is {value!r:.60})"
    near = similar(str(value), re.findall(r"'([^']*)'", context["expected"])) if kind == "literal_error" else None
    if near:
        return f"{message}; did you mean '{near}'?"
    if kind in ("list_type", "tuple_type") and isinstance(value, str):
        return f"{message}; write ['{value}']."
    return f"{message}; write true or false, without quotes." if kind == "bool_type" else f"{message}."


def _fields(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Returns the keys that the model at this place has."""
    holder: Any = model
    for part in loc:
        fields = {field.alias or name: field for name, field in holder.model_fields.items()}
        if str(part) not in fields:
            continue  # the key of a row: the table's annotation has led to the row's model already
        annotation: Any = fields[str(part)].annotation
        while not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            annotation = next(one for one in reversed(get_args(annotation)) if one is not type(None))
        holder = annotation
    return [field.alias or name for name, field in holder.model_fields.items()]
