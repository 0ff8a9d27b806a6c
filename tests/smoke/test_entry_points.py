"""What the service's entry points say where it cannot run: too old a Python, or no extra."""
import os
import subprocess
import sys

import pytest

SCRIPT = os.path.join(os.path.dirname(sys.executable), "tutum-server")


def can_run():
    """Tell whether this Python is new enough and has the extra."""
    try:
        import flask  # noqa: F401
    except ImportError:
        return False
    return sys.version_info >= (3, 9)


@pytest.fixture(params=[[SCRIPT], [sys.executable, "-m", "tutum.server"]], ids=["script", "module"])
def ended(request, tmpdir):
    if can_run():
        pytest.skip("the service can run here")
    process = subprocess.Popen(request.param + ["serve"], cwd=str(tmpdir), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, universal_newlines=True)
    out, error = process.communicate()
    return process.returncode, out, error


def test_entry_point_exits_with_status_1(ended):
    assert ended[0] == 1


def test_entry_point_says_what_to_install_and_nothing_else(ended):
    out, error = ended[1:]
    assert out == ""
    assert "pip install '.[server]'" in error
    assert len(error.splitlines()) == 1


@pytest.mark.skipif(sys.version_info >= (3, 9), reason="this Python can run the service")
def test_entry_point_names_the_python_that_it_needs(ended):
    assert "Python 3.9 or newer" in ended[2]


def test_library_imports_without_the_service(tmpdir):
    code = "import sys, tutum; sys.exit('tutum.server' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", code], cwd=str(tmpdir)) == 0
