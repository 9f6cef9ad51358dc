"""Docker Compose file, and its agreement with the services, the Dockerfile and the tests."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_services.stack import service_names
from local_services.stand_ins import STAND_INS

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.mark.parametrize("service", service_names())
def test_every_service_has_a_container_and_separate_secrets(service: str) -> None:
    container = COMPOSE["services"][service]
    assert container["build"]["args"] == {"SERVICE": service}
    assert f"secrets-{service}:/secrets:ro" in container["volumes"]
    assert f"secrets-{service}:/secrets/{service}" in COMPOSE["services"]["secrets"]["volumes"]
    assert f'"{service}"' in (ROOT / "deploy/compose/make_secrets.py").read_text()


@pytest.mark.parametrize("service", service_names())
def test_every_service_uses_the_movable_clock_of_the_command_line(service: str) -> None:
    container, cli = COMPOSE["services"][service], COMPOSE["services"]["cli"]
    assert container["environment"]["CLOCK_FILE"] == cli["environment"]["CLOCK_FILE"]
    assert "stage:/var/lib/equity:ro" in container["volumes"]
    assert "stage:/var/lib/equity" in cli["volumes"]
    assert re.search(r"install -d -o equity .* /var/lib/equity\n", (ROOT / "deploy/Dockerfile").read_text())


def test_the_sandbox_replaces_every_vendor() -> None:
    sandbox = COMPOSE["services"]["sandbox"]
    assert (ROOT / sandbox["build"]["args"]["PACKAGE"] / "pyproject.toml").exists()
    assert "!sandbox" in (ROOT / "deploy/Dockerfile.dockerignore").read_text().split()
    for name in ("pull", "skiptrace", "feeder", "replies", "consent", "cli", "searches"):
        environment = COMPOSE["services"][name]["environment"]
        assert environment["SANDBOX_URL"] == "http://sandbox:8090"
        for settings in STAND_INS.values():
            for variable, value in settings.items():
                if not variable.startswith("SANDBOX"):
                    made = value.format(url=environment["SANDBOX_URL"], smtp="sandbox:8025")
                    assert environment[variable] == f"${{{variable}:-{made}}}"


def test_every_volume_is_declared() -> None:
    mounts = [mount for container in COMPOSE["services"].values() for mount in container.get("volumes", [])]
    assert {mount.split(":")[0] for mount in mounts if not mount.startswith(".")} == set(COMPOSE["volumes"])


def test_kafka_and_postgresql_are_the_same_versions_everywhere() -> None:
    compose = {name: COMPOSE["services"][name]["image"] for name in ("kafka", "postgres")}
    tests = (ROOT / "tests/support/containers.py").read_text()
    assert re.findall(r'_IMAGE = "(.*)"', tests) == [compose["kafka"], compose["postgres"]]
    pom = (ROOT / "deploy/local/kafka/pom.xml").read_text()
    assert f"<version>{compose['kafka'].split(':')[1]}</version>" in pom
