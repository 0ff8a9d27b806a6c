"""The command line: ``tutum-server`` and its commands."""
from __future__ import annotations

import logging
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import click
from sqlalchemy.exc import OperationalError

from tutum import __version__
from tutum.server import accounts, firstaccount
from tutum.server import config as config_file
from tutum.server.config import Config
from tutum.server.service import DATABASE, ENGINES, Service, Settings, StartError, is_loopback, is_served
from tutum.server.status import table as status_table
from tutum.server.store import RecordsError, Store

DEFAULT_PORT = 8886

#: Signals that end the service as Ctrl-C does.
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)

LEVELS = ("debug", "info", "warning", "error")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tutum-server")
def cli() -> None:
    """A service that speaks the Tutum HTTP API, for machines of your own."""


def service_options(log_level: str) -> Callable[[Callable], Callable]:
    """Return a decorator that adds the options of every command that starts a service."""
    options = (
        click.option("--engine", type=click.Choice(ENGINES), default="process", show_default=True,
                     help="What runs the containers."),
        click.option("--docker-host", metavar="URL",
                     help="Where the Docker Engine listens.  [default: $DOCKER_HOST, or the socket of this machine]"),
        click.option("--public-host", metavar="HOST", default="127.0.0.1", show_default=True,
                     help="The host under which the published ports of containers answer."),
        click.option("--max-containers", type=click.IntRange(1), default=200, show_default=True,
                     help="The most containers that one account may have, as many applications and private images, "
                          "and twice as many ports."),
        click.option("--config", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), callback=_read_config,
                     help="Sizes, DNS suffixes and images of the process engine."),
        click.option("--log-level", type=click.Choice(LEVELS), default=log_level, show_default=True,
                     callback=_set_up_logging, expose_value=False, help="What is written to stderr."))

    def add(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command
    return add


def _read_config(context: click.Context, parameter: click.Parameter, path: Path | None) -> Config:
    try:
        return Config() if path is None else config_file.read(path)
    except config_file.ConfigError as error:
        raise click.BadParameter(str(error)) from error


def _set_up_logging(context: click.Context, parameter: click.Parameter, level: str) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("tutum.server").setLevel(level.upper())


data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), default=lambda: _default_data_dir(),
    show_default="tutum in $XDG_DATA_HOME or ~/.local/share", help="Holds the records and the containers.")


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True,
              help="The port to listen at, 0 for any that is free.")
@data_dir_option
@click.option("--allow-remote", is_flag=True,
              help="Let other machines run commands on this one, where --host makes the service reachable for them.")
@service_options(log_level="info")
def serve(allow_remote: bool, **options: Any) -> None:
    """Run the service until it is stopped.

    At its first start it makes an account, and prints the lines that let a script use it.
    """
    settings = Settings(**options)
    if settings.engine == "process" and not is_loopback(settings.host) and not allow_remote:
        raise click.UsageError(f"--host {settings.host} would let everyone who has a key run commands on this machine. "
                               "Add --allow-remote if that is meant.")
    _on_ending_signals(_exit)
    try:
        with _started(settings) as service:
            _introduce(service)
            service.serve()
    except KeyboardInterrupt:
        pass


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@service_options(log_level="warning")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...], **options: Any) -> None:
    """Run COMMAND with a service of its own, and take all down after it.

    The service has a free port and temporary data. COMMAND finds it through TUTUM_BASE_URL, TUTUM_USER, TUTUM_APIKEY
    and TUTUM_CONFIG_FILE. The exit status is COMMAND's.
    """
    _on_ending_signals(_exit)
    with tempfile.TemporaryDirectory(prefix="tutum-") as directory:
        with _started(Settings(data_dir=Path(directory), temporary=True, **options)) as service:
            status = _run_beside(service, command)
    sys.exit(status)


@cli.command()
@data_dir_option
def status(data_dir: Path) -> None:
    """Print a table of all applications and containers."""
    with _open_store(data_dir) as store:
        if not is_served(data_dir):
            click.echo("No service runs on this data; below is how the last one left it.")
        click.echo(status_table(store))


@cli.group()
def user() -> None:
    """Manage the accounts, whether the service runs or not."""


@user.command("add")
@data_dir_option
@click.argument("username")
def add_user(username: str, data_dir: Path) -> None:
    """Make an account, and print its password and its API key."""
    with _open_store(data_dir) as store:
        account = accounts.add(store, username)
    _tell_key(account.username, account.apikey)
    click.echo(f"Password of {account.username} (shown this once): {account.password}")


@user.command("list")
@data_dir_option
def list_users(data_dir: Path) -> None:
    """Print the names of all accounts."""
    with _open_store(data_dir) as store:
        for username in accounts.usernames(store):
            click.echo(username)


@user.command("passwd")
@data_dir_option
@click.argument("username")
def change_password(username: str, data_dir: Path) -> None:
    """Give an account a new password, and print it."""
    with _open_store(data_dir) as store:
        password = accounts.change_password(store, username)
    click.echo(f"Password of {username} (shown this once): {password}")


@user.command("rotate-key")
@data_dir_option
@click.argument("username")
def rotate_key(username: str, data_dir: Path) -> None:
    """Give an account a new API key, print it, and void the old one."""
    with _open_store(data_dir) as store:
        _tell_key(username, accounts.rotate_key(store, username))
        firstaccount.keep_client_file(store, data_dir)


@user.command("remove")
@data_dir_option
@click.argument("username")
def remove_user(username: str, data_dir: Path) -> None:
    """Remove an account that has no applications."""
    with _open_store(data_dir) as store:
        accounts.remove(store, username)
        firstaccount.keep_client_file(store, data_dir)
    click.echo(f"Account '{username}' is removed.")


def _tell_key(username: str, apikey: str) -> None:
    """Print the lines that let a script use an account, also where a file names another one."""
    click.echo(f"export TUTUM_USER={username}\nexport TUTUM_APIKEY={apikey}\nexport TUTUM_CONFIG_FILE={os.devnull}")


@contextmanager
def _open_store(data_dir: Path) -> Iterator[Store]:
    if not (data_dir / DATABASE).exists():
        raise click.ClickException(f"There is no service's data in {data_dir}. Name its directory with --data-dir.")
    try:
        store = Store(data_dir / DATABASE)
    except RecordsError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield store
    except (accounts.AccountError, OperationalError, OSError) as error:
        raise click.ClickException(str(getattr(error, "orig", error))) from error
    finally:
        store.close()


def _run_beside(service: Service, command: tuple[str, ...]) -> int:
    """Serve while `command` runs; signals are the command's to handle, and its end is the service's."""
    signal.signal(signal.SIGINT, lambda *_: None)  # the terminal sends it to the command, too
    try:
        process = subprocess.Popen(command, env={**os.environ, **_variables(service)})
    except OSError as error:
        click.echo(f"Cannot run {command[0]}: {error.strerror}", err=True)
        return 126 if isinstance(error, PermissionError) else 127
    _on_ending_signals(lambda number, _: process.send_signal(number))
    signal.signal(signal.SIGUSR1, _exit)

    def wait() -> None:
        process.wait()
        os.kill(os.getpid(), signal.SIGUSR1)
    try:
        threading.Thread(target=wait, name="command", daemon=True).start()
        service.serve()
    except SystemExit:
        pass  # the command ended before the service was listening
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


@contextmanager
def _started(settings: Settings) -> Iterator[Service]:
    try:
        with Service(replace(settings, data_dir=settings.data_dir.absolute())) as service:
            yield service
    except StartError as error:
        raise click.ClickException(str(error)) from error


def _introduce(service: Service) -> None:
    kept_back = () if service.has_new_client_file else ("TUTUM_USER", "TUTUM_APIKEY")
    if service.has_new_client_file:
        click.echo("# To use this service from a script, set:")
    for name, value in _variables(service).items():
        if name not in kept_back:
            click.echo(f"export {name}={shlex.quote(value)}")
    if service.new_password is not None:
        click.echo(f"Password of {service.first_account.username} (shown this once): {service.new_password}")
    click.echo(f"Listening at {service.base_url}")
    sys.stdout.flush()


def _variables(service: Service) -> dict[str, str]:
    """Return what lets a script use the first account, or find the service at least where that was removed."""
    variables = {"TUTUM_BASE_URL": service.base_url}
    if service.first_account is not None:
        variables.update(TUTUM_USER=service.first_account.username, TUTUM_APIKEY=service.first_account.apikey,
                         TUTUM_CONFIG_FILE=str(service.client_file))
    return variables


def _default_data_dir() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tutum"


def _on_ending_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Have a handler for them, but for those that who started the service has it ignore, as nohup does."""
    for number in ENDING_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:
    _on_ending_signals(signal.SIG_IGN)  # a second one must not cut the end short
    raise SystemExit(0)
