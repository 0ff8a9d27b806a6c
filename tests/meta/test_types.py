"""The types that are shipped say what the modules hold."""
import os
import shutil
import subprocess
import sys

import tutum


def test_stubs_agree_with_the_modules(tmp_path):
    # The service has its types in its own source, and parts that need not be installed here.
    shutil.copytree(os.path.dirname(tutum.__file__), str(tmp_path / "tutum"),
                    ignore=shutil.ignore_patterns("server", "__pycache__"))
    environment = dict(os.environ, PYTHONPATH=str(tmp_path), MYPYPATH=str(tmp_path))
    process = subprocess.run([sys.executable, "-m", "mypy.stubtest", "tutum"], cwd=str(tmp_path),
                             env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.returncode == 0, process.stdout.decode()
    assert b"no issues" in process.stdout
