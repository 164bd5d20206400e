"""Where the figures come from and what they cost, as plain values: code, data, licences, settings, times."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.evidence import Evidence
from pipelines.glossary import LICENCES
from pipelines.lineage import ORDER, licence_class


def duration(seconds: float | None) -> str:
    """Returns a time in words that are easy to compare.

    Example:
        >>> duration(8.04), duration(200), duration(3900), duration(None)
        ('8.0 s', '3 min 20 s', '1 h 05 min', 'not recorded')
    """
    if seconds is None:
        return "not recorded"
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
        return "not recorded"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Returns nested settings as sorted (dotted key, text) pairs.

    Example:
        >>> flat({"train": {"steps": 600}, "seed": 0, "row": {}})
        [('row', '–'), ('seed', '0'), ('train.steps', '600')]
    """
    found: list[tuple[str, str]] = []
    for key in sorted(values):
        value, name = values[key], f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            found.extend(flat(value, f"{name}."))
        elif isinstance(value, list):
            found.append((name, ", ".join(str(item) for item in value) or "–"))
        else:
            found.append((name, "–" if value in ({}, None, "") else str(value)))
    return found


def costs(found: Sequence[Evidence]) -> list[dict[str, str]]:
    """Returns what each recipe cost: times, speed, device, size; what nobody recorded is said in words."""
    rows = []
    for evidence in found:
        train, test = (evidence.cost.get(stage) or {} for stage in ("train", "evaluate"))
        speed, parameters = train.get("samples_per_second"), evidence.metrics.get("parameters")
        device = train.get("device") or evidence.environment.get("device") or "not recorded"
        threads = evidence.environment.get("threads")
        rows.append(
            {
                "recipe": evidence.recipe,
                "training": duration(train.get("seconds")),
                "speed": "not recorded" if speed is None else f"{speed:,.1f} pictures/s",
                "recovering": _speeds(test.get("seconds_per_megapixel") or {}),
                "device": f"{device}, {threads} threads" if threads else str(device),
                "host": str(train.get("host") or "not recorded"),
                "started": str(train.get("started") or "not recorded"),
                "parameters": "not recorded" if parameters is None else f"{parameters:,}",
                "weights": file_size(evidence.weights.size if evidence.weights else None),
            }
        )
    return rows


def _speeds(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{what} {value:.2g} s" for what, value in seconds.items()) or "not recorded"


def lineage(found: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Returns where each recipe's weights come from: code, data, seed, settings, versions, hash."""
    rows = []
    for evidence in found:
        train = evidence.cost.get("train") or {}
        dirty = " with uncommitted changes" if str(train.get("git_dirty")).lower() == "true" else ""
        packages = evidence.environment.get("packages") or {}
        rows.append(
            {
                "recipe": evidence.recipe,
                "code": f"{train['git_rev']}{dirty}" if train.get("git_rev") else "not recorded",
                "data": str(evidence.config.get("data_sha256") or "not recorded"),
                "seed": str(evidence.config.get("seed", "not recorded")),
                "weights": evidence.weights.sha256 if evidence.weights else "not recorded",
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
                "rule": str(rule.get("rule") or name),
                "severity": str(rule.get("severity") or "error"),
                "failing": rule.get("failing", 0),
                "rows": ", ".join(list(rule.get("rows") or [])[:5]),
            }
            for name, rule in rules.items()
            if not rule.get("success") or rule.get("failing")
        ],
    }


def splits(index: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns how many scenes each split has: real pairs, generated ones, and their sources."""
    rows = []
    for split, scenes in index.get("splits", {}).items():
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
