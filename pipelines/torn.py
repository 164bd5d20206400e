"""Whether a kill has left `dvc.lock` whole: DVC writes it in place, and refuses everything once it is not."""

from collections.abc import Iterator
from pathlib import Path

from restereo.errors import UserError


def signs(root: Path = Path()) -> Iterator[str]:
    """Yields a sentence if DVC would refuse `dvc.lock`. One that was cut where it still can be read, DVC completes.

    Args:
        root: The project's folder.

    Example:
        >>> list(signs(Path("nowhere")))
        []
    """
    file = root / "dvc.lock"
    if not file.is_file():
        return
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
    from voluptuous import Invalid

    try:
        # DVC's own reader: to YAML 1.2 a checksum cut down to 949788e9 is a number, to PyYAML it is a word.
        COMPILED_LOCKFILE_SCHEMA(parse_yaml(file.read_text(encoding="utf-8"), str(file)))
    except (YAMLFileCorruptedError, UnicodeDecodeError, Invalid):
        again = "delete it and run the same command again: DVC's run cache knows what has run"
        yield f"{file}: not whole; a DVC killed while it wrote, or a merge, left it so. End any `dvc`, then {again}."


def refuse(root: Path = Path()) -> None:
    """Raises `UserError` with that sentence, if there is one."""
    if sentence := next(signs(root), None):
        raise UserError(sentence)
