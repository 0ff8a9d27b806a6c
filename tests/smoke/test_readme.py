"""README's commands are lines to paste: each is there once and names what the checkout holds."""
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(*names):
    with open(os.path.join(ROOT, *names), encoding="utf-8") as page:
        return page.read()


def command(name, page="README.rst"):
    [line] = [line.strip() for line in read(page).splitlines()
              if line.startswith("    ") and ".venv/bin/" + name in line]
    return line


@pytest.mark.parametrize("name", ["tutum-server run", "tox run-parallel"])
def test_command_makes_its_own_environment(name):
    assert command(name).startswith("python3 -m venv .venv && ")


def test_command_that_shows_the_library_at_work_runs_the_quickstart():
    assert command("tutum-server run").endswith(" -- .venv/bin/python docs/examples/quickstart.py")
    assert os.path.isfile(os.path.join(ROOT, "docs", "examples", "quickstart.py"))


def test_command_that_tests_installs_the_tox_that_tox_ini_requires():
    required = re.search(r"^requires =\n((?: +.*\n)+)", read("tox.ini"), re.MULTILINE).group(1)
    assert set(re.findall(r"'(\S+<\S+)'", command("tox run-parallel"))) == set(required.split())


def test_contributor_guide_gives_the_same_command():
    assert command("tox run-parallel") == command("tox run-parallel", "docs/contributing.rst")
