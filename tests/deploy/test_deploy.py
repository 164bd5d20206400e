"""Workflows and compose file fit their published schemas; images have exact tags, and no secret is written down."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
COMPOSE = ROOT / "deploy" / "compose.yaml"


@pytest.mark.parametrize(
    ("schema", "files"), [("vendor.github-workflows", WORKFLOWS), ("vendor.compose-spec", [COMPOSE])]
)
def test_they_fit_the_schema(schema: str, files: list[Path]) -> None:
    pytest.importorskip("check_jsonschema", reason="not installed; pip install 'restereo[dev]'")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_image_and_action_has_an_exact_tag() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    docker = re.findall(r"^FROM (\S+)", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    for image in [*(service["image"] for service in services.values()), *docker]:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", image), image
    for file in WORKFLOWS:
        for action in re.findall(r"uses: (\S+)", file.read_text()):
            assert re.fullmatch(r"[\w/-]+@v\d+\.\d+\.\d+", action), action


def test_every_service_says_when_it_is_well() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"buckets"}, "it ends"


def test_no_secret_is_written_down() -> None:
    text = COMPOSE.read_text()
    for line in text.splitlines():
        if re.search(r"PASSWORD|SECRET|ACCESS_KEY", line) and not line.lstrip().startswith(("#", ">-", "umask")):
            assert "${" in line or "$$" in line, line
    example = (ROOT / "deploy" / ".env.example").read_text()
    assert all(re.search(rf"^{name}=$", example, re.MULTILINE) for name in ("POSTGRES_PASSWORD", "S3_SECRET_KEY"))
    assert "/deploy/.env" in (ROOT / ".gitignore").read_text()


def test_the_workflow_only_calls_the_verb() -> None:
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / "retrain.yml").read_text())["jobs"]["retrain"]["steps"]
    assert [step["run"] for step in steps if "make" in step.get("run", "")] == [
        'make retrain TARGETS="$TARGETS" BASE="$BASE" PROMOTE="$PROMOTE"'
    ]
