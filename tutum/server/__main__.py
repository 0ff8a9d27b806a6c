"""Entry point of the service. This module alone must load on every interpreter, to say what to install where the
service cannot run."""
from __future__ import print_function

import sys

OLDEST_PYTHON = (3, 9)


def main():
    """Run the command line of the service.

    :returns: never; ends the process with the command's exit status, 1 where the service cannot run
    """
    if sys.version_info < OLDEST_PYTHON:
        sys.exit("tutum-server needs Python %d.%d or newer, and this is Python %d.%d. The library itself (import "
                 "tutum) works here; to run the service: pip install '.[server]' in a clone, with a newer Python."
                 % (OLDEST_PYTHON + sys.version_info[:2]))
    try:
        cli = _load()
    except KeyboardInterrupt:
        sys.exit(130)  # as a shell tells of it
    cli(prog_name="tutum-server")


def _load():
    try:
        import click  # noqa: F401
        import flask  # noqa: F401
        import sqlalchemy  # noqa: F401
        import waitress  # noqa: F401
    except ImportError as error:
        sys.exit("tutum-server needs packages that are not installed (%s). Install them in a clone of the repository "
                 "with: pip install '.[server]'" % error)
    from tutum.server.cli import cli
    return cli


if __name__ == "__main__":
    main()
