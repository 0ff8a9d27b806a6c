"""What an operator may set in the file that ``--config`` names; `docs/examples/tutum-server.ini` shows all of it."""
from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tutum.server import names
from tutum.server.engines import ImageInfo, Port, Size

#: Memory in MB and share of a CPU of each size (api-v1 3.5).
SIZES = {"XS": Size(256, 0.25), "S": Size(512, 0.5), "M": Size(1024, 1.0), "L": Size(2048, 2.0), "XL": Size(4096, 4.0)}

_IMAGE_KEYS = {"run_command", "entrypoint", "ports"}


class ConfigError(Exception):
    """The file cannot be used; the text says where and why."""


@dataclass(frozen=True)
class Config:
    """The operator's settings.

    :param sizes: what the container sizes stand for
    :param container_dns: the suffix of containers' public names, None to use the public host
    :param application_dns: the suffix of applications' public names, None to use the public host
    :param images: images of the process engine, by name without tag
    """

    sizes: Mapping[str, Size] = field(default_factory=lambda: dict(SIZES))
    container_dns: str | None = None
    application_dns: str | None = None
    images: Mapping[str, ImageInfo] = field(default_factory=dict)


def read(path: Path) -> Config:
    """Read a configuration file.

    :raises ConfigError: it cannot be read, or holds what is not understood
    """
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        sizes, dns, images = dict(SIZES), {}, {}
        for section in parser.sections():
            if section == "sizes":
                sizes.update((name, _size(name, text)) for name, text in parser[section].items())
            elif section == "dns":
                dns = _known(parser[section], {"containers", "applications"})
            elif section.startswith("image "):
                images[_image_name(section[len("image "):].strip())] = _image(_known(parser[section], _IMAGE_KEYS))
            else:
                raise ConfigError(f"there is no section [{section}]")
    except (OSError, UnicodeDecodeError, configparser.Error, ConfigError) as error:
        raise ConfigError(f"Cannot use the configuration file {path}: {error}") from error
    return Config(sizes, dns.get("containers"), dns.get("applications"), images)


def _known(section: Mapping[str, str], keys: set[str]) -> dict[str, str]:
    for key in section:
        if key not in keys:
            raise ConfigError(f"there is no setting '{key}' here; there are {', '.join(sorted(keys))}")
    return dict(section)


def _size(name: str, text: str) -> Size:
    """Read a size such as ``256 MB, 0.25 CPU``."""
    try:
        memory, cpus = text.split(",")
        size = Size(int(memory.strip().removesuffix("MB")), float(cpus.strip().removesuffix("CPU")))
    except ValueError:
        size = None
    if name not in SIZES or size is None or not 0 < size.memory_mb < 1e9 or not 0 < size.cpus < 1e6:
        raise ConfigError(f"size {name} = {text}: expected one of {', '.join(SIZES)}, as in: XS = 256 MB, 0.25 CPU")
    return size


def _image_name(text: str) -> str:
    try:
        name, _ = names.split_image(text)
    except ValueError:
        raise ConfigError(f"'{text}' is no image's name") from None
    return name


def _image(section: Mapping[str, str]) -> ImageInfo:
    return ImageInfo(ports=tuple(_port(text) for text in section.get("ports", "").split()),
                     run_command=section.get("run_command", ""), entrypoint=section.get("entrypoint", ""))


def _port(text: str) -> Port:
    number, _, protocol = text.partition("/")
    if not number.isdecimal() or not 1 <= int(number) <= 65535 or protocol not in ("", "tcp", "udp"):
        raise ConfigError(f"'{text}' is no port; expected, for example, 80/tcp")
    return Port(int(number), protocol or "tcp")
