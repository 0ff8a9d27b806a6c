"""The wheel and the sdist, built from a copy of the checkout: their contents and requirements."""
import configparser
import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER_EXTRA = 'python_version >= "3.9" and extra == "server"'


def setup_py(source, *arguments):
    subprocess.run([sys.executable, "setup.py", "--quiet", *arguments], cwd=source, check=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    copy = tmp_path_factory.mktemp("checkout") / "source"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(
        ".git", ".tox", ".venv", "build", "dist", "*.egg-info", "__pycache__"))
    return copy


@pytest.fixture(scope="module")
def wheel(source):
    setup_py(source, "bdist_wheel")
    [path] = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def sdist(source):
    setup_py(source, "sdist")
    [path] = (source / "dist").glob("*.tar.gz")
    with tarfile.open(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel):
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def requirements(metadata, marker=""):
    """Return {name: lower bound} of what is required under that marker."""
    found = {}
    for line in metadata.get_all("Requires-Dist"):
        specifier, _, its_marker = line.partition(";")
        if its_marker.strip().replace("'", '"') == marker:
            name, bound = re.fullmatch(r"([\w-]+) ?\(?>=([\d.]+)\)?", specifier.strip()).groups()
            found[name] = bound
    return found


def tox_ini():
    parsed = configparser.RawConfigParser()
    parsed.read(os.path.join(ROOT, "tox.ini"))
    return parsed


def files_of(source, pattern):
    return {path.relative_to(source).as_posix() for path in (source / "tutum").rglob(pattern)}


def test_wheel_serves_both_pythons(wheel):
    assert os.path.basename(wheel.filename) == "python_tutum-1.0.0-py2.py3-none-any.whl"


def test_wheel_holds_every_file_of_the_package_and_nothing_else(wheel, source):
    expected = files_of(source, "*.py") | files_of(source, "*.pyi") | files_of(source, "py.typed")
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


def test_wheel_holds_the_license(wheel):
    [name] = [name for name in wheel.namelist() if name.endswith("LICENSE")]
    assert b"Apache License" in wheel.read(name)


def test_library_requires_requests_and_six_alone(metadata):
    assert set(requirements(metadata)) == {"requests", "six"}


def test_service_is_an_extra_for_newer_pythons(metadata):
    found = requirements(metadata, SERVER_EXTRA)
    assert set(found) == {"Flask", "waitress", "click", "SQLAlchemy", "docker"}
    assert len(metadata.get_all("Requires-Dist")) == len(found) + 2
    assert metadata.get_all("Provides-Extra") == ["server"]


def test_oldest_dependencies_are_those_that_tox_tests(metadata):
    for section, marker in (("testenv", ""), ("testenv:server{,-lowest}", SERVER_EXTRA)):
        pins = dict(re.findall(r"lowest: ([\w-]+)==([\d.]+)", tox_ini().get(section, "deps")))
        assert pins == requirements(metadata, marker)


def test_supported_pythons_are_those_that_tox_tests(metadata):
    [factors] = re.findall(r"py{([\d,]+)}", tox_ini().get("tox", "env_list"))
    versions = ["%s.%s" % (factor[0], factor[1:]) for factor in factors.split(",")]
    assert ["Programming Language :: Python :: " + version for version in versions] == [
        line for line in metadata.get_all("Classifier") if "Python :: " in line]


def test_script_starts_the_service(wheel):
    [name] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    scripts = configparser.ConfigParser()
    scripts.read_string(wheel.read(name).decode())
    assert dict(scripts["console_scripts"]) == {"tutum-server": "tutum.server.__main__:main"}


def test_sdist_holds_what_a_build_needs(sdist, source):
    names = {name.partition("/")[2] for name in sdist.getnames()}
    package = files_of(source, "*.py") | files_of(source, "*.pyi") | files_of(source, "py.typed")
    assert package | {"setup.py", "README.rst", "LICENSE"} <= names


def test_build_leaves_nothing_that_git_would_see(wheel, sdist, source):
    new = sorted(set(os.listdir(source)) - set(os.listdir(ROOT)))
    left = subprocess.run(["git", "check-ignore", "--", *(name + "/" for name in new)], cwd=ROOT,
                          stdout=subprocess.PIPE, universal_newlines=True)
    assert left.stdout.split() == [name + "/" for name in new]
