"""Every Python example of the pages and docstrings does what it shows, against a real service."""
import doctest
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tutum
from runexamples import parts

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("docs/*.rst")) + [ROOT / "README.rst"]
RUNNER = Path(__file__).with_name("runexamples.py")


def run(*names):
    """Run the examples of pages or modules beside a service of their own."""
    command = [shutil.which("tutum-server", path=str(Path(sys.executable).parent)), "run", "--", sys.executable,
               str(RUNNER), *map(str, names)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def has_examples(page):
    return bool(parts(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", [page for page in PAGES if has_examples(page)], ids=lambda page: page.stem)
def test_examples_of_the_page(page):
    done = run(page)
    assert done.returncode == 0, done.stdout + done.stderr


def test_examples_of_the_docstrings():
    names = [module.name for module in pkgutil.walk_packages(tutum.__path__, "tutum.")]
    done = run("tutum", *(name for name in names if not name.endswith("__main__")))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_example_is_left_out(page):
    text = page.read_text(encoding="utf-8")
    found = parts(text)
    assert "+SKIP" not in text and not re.search(r"\.\. (code|sourcecode|testcode|doctest|testsetup)::", text)
    sessions = [part for _, part in found if isinstance(part, doctest.Example)]
    assert len(sessions) == len(re.findall(r"^ +>>> ", text, re.MULTILINE))
    blocks = "".join(part for _, part in found if isinstance(part, str))
    assert len(re.findall(r"^ +(?:import|from) \w", text, re.MULTILINE)) == len(
        re.findall(r"^ *(?:import|from) \w", blocks, re.MULTILINE))
    assert text.count(".. code-block:: python\n") <= sum(isinstance(part, str) for _, part in found)


@pytest.mark.parametrize("example", [
    ">>> 1 + 1\n3\n",
    ">>> import tutum\n>>> tutum.Application.fetch('nothing')\n",
    ".. code-block:: python\n\n   raise SystemExit('stop')\n",
    "So::\n\n    import tutum\n    tutum.nothing\n",
], ids=["another result", "an exception", "code in a directive", "code in a literal block"])
def test_an_example_that_fails_is_noticed(example, tmp_path):
    page = tmp_path / "page.rst"
    page.write_text(example)
    assert run(page).returncode != 0


def test_settings_of_a_block_hold_for_it_alone(tmp_path):
    page = tmp_path / "page.rst"
    page.write_text(".. code-block:: python\n\n   import tutum\n   tutum.user = 'nobody'\n\n"
                    ">>> tutum.Application.list()\n[]\n")
    done = run(page)
    assert done.returncode == 0, done.stdout + done.stderr
