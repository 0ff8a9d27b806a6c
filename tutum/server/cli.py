"""The command line: ``tutum-server serve`` and ``tutum-server run``."""
from __future__ import annotations

import logging
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click

from tutum import __version__
from tutum.server.service import ENGINES, Service, StartError, is_loopback

DEFAULT_PORT = 8886

#: Signals that end the service as Ctrl-C does.
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tutum-server")
def cli() -> None:
    """A service that speaks the Tutum HTTP API, for machines of your own."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)


def engine_options(command: Callable) -> Callable:
    """Add the options that every command that starts a service has."""
    for option in (
            click.option("--engine", type=click.Choice(ENGINES), default="process", show_default=True,
                         help="What runs the containers."),
            click.option("--public-host", metavar="HOST", default="127.0.0.1", show_default=True,
                         help="The host under which the published ports of containers answer.")):
        command = option(command)
    return command


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True,
              help="The port to listen at, 0 for any that is free.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False),
              help="Holds the records and the containers.  [default: tutum in $XDG_DATA_HOME or ~/.local/share]")
@click.option("--allow-remote", is_flag=True,
              help="Let other machines run commands on this one, where --host makes the service reachable for them.")
@engine_options
def serve(host: str, port: int, data_dir: Path | None, allow_remote: bool, engine: str, public_host: str) -> None:
    """Run the service until it is stopped.

    At its first start it makes an account, and prints the lines that let a script use it.
    """
    if engine == "process" and not is_loopback(host) and not allow_remote:
        raise click.UsageError(f"--host {host} would let everyone who has a key run commands on this machine. "
                               "Add --allow-remote if that is meant.")
    _end_on_signals()
    try:
        with _make_service(data_dir or _default_data_dir(), host, port, engine, public_host) as service:
            _introduce(service)
            service.serve()
    except KeyboardInterrupt:
        pass


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@engine_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...], engine: str, public_host: str) -> None:
    """Run COMMAND with a service of its own, and take all down after it.

    The service has a free port and temporary data. COMMAND finds it through TUTUM_BASE_URL, TUTUM_USER, TUTUM_APIKEY
    and TUTUM_CONFIG_FILE. The exit status is COMMAND's.
    """
    _end_on_signals()
    with tempfile.TemporaryDirectory(prefix="tutum-") as directory:
        with _make_service(Path(directory), "127.0.0.1", 0, engine, public_host) as service:
            status = _run_beside(service, command)
    sys.exit(status)


def _run_beside(service: Service, command: tuple[str, ...]) -> int:
    """Serve while `command` runs; signals are the command's to handle, and its end is the service's."""
    signal.signal(signal.SIGINT, lambda *_: None)  # the terminal sends it to the command, too
    try:
        process = subprocess.Popen(command, env={**os.environ, **_variables(service)})
    except OSError as error:
        click.echo(f"Cannot run {command[0]}: {error.strerror}", err=True)
        return 126 if isinstance(error, PermissionError) else 127
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda number, _: process.send_signal(number))
    signal.signal(signal.SIGUSR1, _exit)

    def wait() -> None:
        process.wait()
        os.kill(os.getpid(), signal.SIGUSR1)
    threading.Thread(target=wait, name="command", daemon=True).start()
    service.serve()
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _make_service(data_dir: Path, host: str, port: int, engine: str, public_host: str) -> Service:
    try:
        return Service(data_dir.absolute(), host=host, port=port, engine=engine, public_host=public_host)
    except StartError as error:
        raise click.ClickException(str(error)) from error


def _introduce(service: Service) -> None:
    variables = _variables(service)
    if service.new_account is None:
        click.echo(f"export TUTUM_BASE_URL={service.base_url}")
    else:
        click.echo("# To use this service from a script, set:")
        for name, value in variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        click.echo(f"Password of {service.new_account.username} (shown this once): {service.new_account.password}")
    click.echo(f"Listening at {service.base_url}")
    sys.stdout.flush()


def _variables(service: Service) -> dict[str, str]:
    variables = {"TUTUM_BASE_URL": service.base_url}
    if service.new_account is not None:
        variables.update(TUTUM_USER=service.new_account.username, TUTUM_APIKEY=service.new_account.apikey)
    return {**variables, "TUTUM_CONFIG_FILE": str(service.client_file)}


def _default_data_dir() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tutum"


def _end_on_signals() -> None:
    for number in ENDING_SIGNALS:
        signal.signal(number, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    for each in ENDING_SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # a second one must not cut the end short
    raise SystemExit(0)
