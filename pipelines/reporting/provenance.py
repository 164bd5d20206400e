"""Where the figures come from and what they cost, as plain values: code, data, licences, settings, times."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines.reporting.display import LICENCES
from pipelines.reporting.results import RecipeResults, flatten
from pipelines.tracking.lineage import ORDER, licence_class

NOTHING = "not recorded"
NAMED = 20
SEVERITIES = {"critical": "error", "warning": "warning", "info": "note"}


def duration(seconds: float | None) -> str:
    """Returns a time in words that are easy to compare.

    Example:
        >>> duration(0.0021), duration(8.04), duration(200), duration(3900), duration(None)
        ('0.002 s', '8.0 s', '3 min 20 s', '1 h 05 min', 'not recorded')
    """
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds:.1g} s" if seconds < 0.1 else f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def file_size(size: int | None) -> str:
    """Returns a number of bytes in the unit that fits, powers of ten.

    Example:
        >>> file_size(482_000), file_size(1_930_000), file_size(None)
        ('482 kB', '1.9 MB', 'not recorded')
    """
    if size is None:
        return NOTHING
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def flat(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns nested settings as sorted (dotted key, text) pairs.

    Example:
        >>> flat({"train": {"steps": 600}, "seed": 0, "row": {}})
        [('row', '–'), ('seed', '0'), ('train.steps', '600')]
    """
    return [(name, _text(value)) for name, value in sorted(flatten(values).items())]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value in ({}, None, "") else str(value)


def moment(text: str | None) -> str:
    """Returns an ISO date and time to the minute; what is no date stays as it is.

    Example:
        >>> moment("2026-11-20T16:20:11+00:00"), moment(None), moment("long ago")
        ('2026-11-20 16:20 UTC', 'not recorded', 'long ago')
    """
    if not text:
        return NOTHING
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text


def costs(found: Sequence[RecipeResults]) -> list[tuple[str, list[str]]]:
    """Returns rows of what was spent, a cell for each recipe; what nobody recorded is said in words."""
    train = [evidence.cost.get("train") or {} for evidence in found]
    environments = [evidence.environment for evidence in found]
    return [
        ("Training", [duration(facts.get("seconds")) for facts in train]),
        ("Training pictures per second", [_count(facts.get("samples_per_second"), 1) for facts in train]),
        ("Recovering one megapixel", [duration(_speeds(e).get(e.recipe)) for e in found]),
        ("Device", [_device(facts, known) for facts, known in zip(train, environments, strict=True)]),
        ("Machine", [str(facts.get("host") or NOTHING) for facts in train]),
        ("Training began", [moment(facts.get("started")) for facts in train]),
        ("Parameters", [_count(evidence.metrics.get("parameters"), 0) for evidence in found]),
        ("Weights file", [file_size(evidence.weights.size if evidence.weights else None) for evidence in found]),
    ]


def baseline_speeds(found: Sequence[RecipeResults]) -> list[str]:
    """Returns how long each baseline takes for a megapixel, as the first recipe that recorded it says."""
    seconds: dict[str, float] = {}
    for evidence in found:
        for what, value in _speeds(evidence).items():
            seconds.setdefault(what, value)
    recipes = {evidence.recipe for evidence in found}
    return [f"{what} {duration(value)}" for what, value in seconds.items() if what not in recipes]


def _speeds(evidence: RecipeResults) -> dict[str, float]:
    return dict((evidence.cost.get("evaluate") or {}).get("seconds_per_megapixel") or {})


def _count(value: float | None, decimals: int) -> str:
    return NOTHING if value is None else f"{value:,.{decimals}f}"


def _device(train: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    device = str(train.get("device") or environment.get("device") or NOTHING)
    threads = environment.get("threads")
    return f"{device}, {threads} threads" if threads and device != NOTHING else device


def lineage(found: Sequence[RecipeResults]) -> list[dict[str, Any]]:
    """Returns where each recipe's weights come from: code, data, seed, settings, versions, hash."""
    rows = []
    for evidence in found:
        train = evidence.cost.get("train") or {}
        dirty = " with uncommitted changes" if str(train.get("git_dirty")).lower() == "true" else ""
        packages = evidence.environment.get("packages") or {}
        rows.append(
            {
                "recipe": evidence.recipe,
                "code": f"{train['git_rev']}{dirty}" if train.get("git_rev") else NOTHING,
                "data": str(evidence.config.get("data_sha256") or NOTHING),
                "seed": str(evidence.config.get("seed", NOTHING)),
                "weights": evidence.weights.sha256 if evidence.weights else NOTHING,
                "settings": flat(
                    {k: v for k, v in evidence.config.items() if k not in ("data_sha256", "licences", "recipe")}
                ),
                "versions": flat({k: v for k, v in evidence.environment.items() if k != "packages"}) + flat(packages),
            }
        )
    return rows


def licences(names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the licences of the data, strictest first and marked, with what they ask for.

    Example:
        >>> [(row["name"], row["strictest"]) for row in licences(["CC0-1.0", "CC BY-NC 4.0"])]
        [('CC BY-NC 4.0', True), ('CC0-1.0', False)]
    """
    classes = {name: licence_class(name) for name in names}
    order = sorted(classes, key=lambda name: (-ORDER.index(classes[name]), name))
    return [
        {
            "name": name or "not stated",
            "means": LICENCES[classes[name]],
            "strictest": classes[name] == classes[order[0]],
        }
        for name in order
    ]


def checks(validation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns how many pictures were checked, and the rules that some of them break; None if nobody checked.

    Example:
        >>> checks({"success": True, "rows": 8, "rules": {"colour": {"success": True}}})
        {'success': True, 'rows': 8, 'rules': 1, 'excluded': 0, 'broken': []}
    """
    if not validation:
        return None
    rules: Mapping[str, Mapping[str, Any]] = validation.get("rules") or {}
    return {
        "success": bool(validation.get("success")),
        "rows": validation.get("rows", 0),
        "rules": len(rules),
        "excluded": validation.get("excluded", 0),
        "broken": [
            {
                "name": name,
                "rule": str(rule.get("rule") or name),
                "severity": SEVERITIES.get(str(rule.get("severity")), "error"),
                "rows": [{"item": item, **one} for item, one in list((rule.get("rows") or {}).items())[:NAMED]],
                "more": max(0, len(rule.get("rows") or {}) - NAMED),
            }
            for name, rule in rules.items()
            if not rule.get("success") or rule.get("failing")
        ],
    }


def splits(index: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns how many scenes each split has: real pairs or photos, generated scenes, and their sources."""
    rows = []
    order = ("train", "validation", "test")
    found = index.get("splits", {})
    for split in sorted(found, key=lambda name: order.index(name) if name in order else len(order)):
        scenes = found[split]
        generated = sum(scene.get("origin") == "generated" for scene in scenes)
        sources = sorted({str(scene["source"]) for scene in scenes if scene.get("source")})
        rows.append(
            {
                "split": split,
                "pairs": len(scenes) - generated,
                "generated": generated,
                "sources": ", ".join(sources),
            }
        )
    return rows
