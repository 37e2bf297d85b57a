"""environment.yml gives the same environment as kernel/requirements.txt."""
import pathlib

import yaml

REPO = pathlib.Path(__file__).resolve().parents[3]


def requirements(name):
    lines = (REPO / "kernel" / name).read_text().splitlines()
    return sorted(line for line in lines if line and not line.startswith("#"))


def test_environment_yml_is_in_step_with_requirements():
    dependencies = yaml.safe_load((REPO / "environment.yml").read_text())["dependencies"]
    pip = next(d["pip"] for d in dependencies if isinstance(d, dict))
    assert sorted(pip) == requirements("requirements.txt")


def test_every_requirement_is_pinned():
    for line in requirements("requirements.txt") + requirements("requirements-test.txt"):
        assert "==" in line, line
