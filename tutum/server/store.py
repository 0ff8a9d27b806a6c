"""The service's records: accounts, applications and containers, in SQLite through SQLAlchemy."""
from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

import sqlalchemy
from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, String, UniqueConstraint, event, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from tutum.server import states
from tutum.server.cache import Cache
from tutum.server.turns import OPERATOR, Job, NoTurn, Turns, Whose

#: Seconds that a request's writer waits for those of this service, and then anybody for those of other processes.
WRITERS_TIMEOUT = 2.5
BUSY_TIMEOUT = 2.5

#: Seconds for which terminated applications and containers can still be seen (api-v1 3.2).
TERMINATED_VISIBLE = 300

#: What tells the tables of this version of the service from those of others.
FORM = 2


class Base(DeclarativeBase):
    """Base of the tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[dict[str, Any]]: JSON, list[str]: JSON,
                           list[float]: JSON, float: Float}


class Account(Base):
    """Someone who may use the service; everything else belongs to one."""

    __tablename__ = "accounts"
    __table_args__ = {"sqlite_autoincrement": True}  # else a removed account's requests could become the next one's

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String, unique=True)
    password_hash: Mapped[str]
    apikey: Mapped[str]


class Link(Base):
    """That the containers of one application get the link variables of another (api-v1 3.6)."""

    __tablename__ = "links"

    from_id: Mapped[int] = mapped_column(ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True, index=True)


class Lifetime:
    """Columns that applications and containers share. Times are seconds since the epoch; ids grow with creation."""

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(String, unique=True)
    state: Mapped[str] = mapped_column(String, default=states.STARTING)
    image_name: Mapped[str]
    web_public_dns: Mapped[Optional[str]]
    deployed_at: Mapped[Optional[float]]
    started_at: Mapped[Optional[float]]
    stopped_at: Mapped[Optional[float]]
    destroyed_at: Mapped[Optional[float]]


class Application(Lifetime, Base):
    """What the user asked for: an image, how to run it, and how many containers of it.

    `left_to_image` names those attributes that are the image's own; they are None until the image has said what it has.
    """

    __tablename__ = "applications"
    __table_args__ = (Index("applications_in_order", "account_id", text("destroyed_at IS NOT NULL"), "id",
                            "destroyed_at"),
                      Index("applications_by_name", "account_id", "unique_name"),
                      {"sqlite_autoincrement": True})

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    unique_name: Mapped[str]
    container_size: Mapped[str]
    target_num_containers: Mapped[int]
    last_number: Mapped[int] = mapped_column(Integer, default=0)
    run_command: Mapped[Optional[str]]
    entrypoint: Mapped[Optional[str]]
    container_ports: Mapped[Optional[list[dict[str, Any]]]]
    left_to_image: Mapped[list[str]] = mapped_column(default=list)
    container_envvars: Mapped[list[dict[str, Any]]] = mapped_column(deferred=True)  # as large as a request's body
    autorestart: Mapped[str]
    autoreplace: Mapped[str]
    autodestroy: Mapped[str]
    sequential_deployment: Mapped[bool]
    roles: Mapped[list[str]]

    account: Mapped[Account] = relationship()
    containers: Mapped[list[Container]] = relationship(back_populates="application", order_by="Container.id",
                                                       cascade="all, delete-orphan", passive_deletes=True)
    linked_to: Mapped[list[Application]] = relationship(
        secondary="links", primaryjoin="Application.id == Link.from_id", secondaryjoin="Application.id == Link.to_id",
        order_by="Application.id", back_populates="linked_from")
    linked_from: Mapped[list[Application]] = relationship(
        secondary="links", primaryjoin="Application.id == Link.to_id", secondaryjoin="Application.id == Link.from_id",
        order_by="Application.id", back_populates="linked_to")


class Container(Lifetime, Base):
    """One container of an application; what it has of the application is not copied here.

    `restarted_at` and `replaced_at` are the latest times of crash recovery; a replacement goes on with its
    predecessor's. `link_environment` has the variables of links that it was started with, None before that.
    """

    __tablename__ = "containers"
    __table_args__ = (Index("containers_of_application", "application_id", "state"),
                      Index("containers_by_state", "state"),
                      {"sqlite_autoincrement": True})

    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id", ondelete="CASCADE"))
    number: Mapped[int]
    unique_name: Mapped[str]
    container_ports: Mapped[list[dict[str, Any]]]
    exit_code: Mapped[Optional[int]]
    start_error: Mapped[Optional[str]]
    restarted_at: Mapped[list[float]] = mapped_column(default=list)
    replaced_at: Mapped[list[float]] = mapped_column(default=list)
    link_environment: Mapped[Optional[dict[str, Any]]] = mapped_column(deferred=True)

    application: Mapped[Application] = relationship(back_populates="containers")


class Image(Base):
    """An image that can be seen: one that everybody sees, or an account's own with what its registry asks for."""

    __tablename__ = "images"
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[Optional[int]] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String, index=True)
    description: Mapped[str] = mapped_column(default="")
    registry_host: Mapped[str]
    is_private_image: Mapped[bool]
    base_image: Mapped[bool] = mapped_column(default=False)
    starred: Mapped[bool] = mapped_column(default=False)
    username: Mapped[Optional[str]]
    password: Mapped[Optional[str]]


class PortLease(Base):
    """That a port of the machine is a container's until the container is terminated, running or not."""

    __tablename__ = "port_leases"
    __table_args__ = (UniqueConstraint("outer_port", "protocol"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    container_id: Mapped[int] = mapped_column(ForeignKey("containers.id", ondelete="CASCADE"), index=True)
    outer_port: Mapped[int]
    protocol: Mapped[str]


class RecordsError(Exception):
    """The database file cannot be used; the text says why."""


class Store:
    """Gives sessions on the database file. Writers take turns; readers see the last committed state meanwhile.

    :param path: the database file; made, readable by its owner alone, when it is not there
    :raises RecordsError: it cannot be read or written, or is of another version of the service
    """

    def __init__(self, path: Path) -> None:
        try:
            self._open(path)
        except (DatabaseError, OSError) as error:
            raise RecordsError(f"Cannot use the records in {path}: {getattr(error, 'orig', error)}") from error

    def _open(self, path: Path) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._engine = sqlalchemy.create_engine(
            sqlalchemy.URL.create("sqlite", database=str(path)), pool_size=8, max_overflow=-1,
            connect_args={"timeout": BUSY_TIMEOUT}, hide_parameters=True)
        self._writing = self._engine.execution_options(begin="IMMEDIATE")
        self._turns = Turns()
        event.listen(self._engine, "connect", _prepare_connection)
        event.listen(self._engine, "begin", _begin)
        self._make_tables(path)
        #: What was read, for as long as no record changes.
        self.cache = Cache(path, BUSY_TIMEOUT)

    def _make_tables(self, path: Path) -> None:
        with self._engine.connect() as connection:
            form = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            is_empty = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one() == 0
        if form not in (0, FORM):
            raise RecordsError(f"The records in {path} are of another version of the service: theirs have form {form}, "
                               f"and this one reads form {FORM}.")
        if form == 0 and not is_empty:
            raise RecordsError(f"The file {path} is the database of another program.")
        if form == 0:
            with self._writing.connect() as connection, connection.begin():
                Base.metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {FORM}")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that sees one state of the records and changes nothing."""
        with Session(self._engine) as session:
            yield session

    @contextmanager
    def writing(self, whose: Whose = OPERATOR) -> Iterator[Session]:
        """Open a session whose changes are on the disk when the block ends, or not made at all if it raises.

        :param whose: the account whose request it is, which waits for so long only, or the application whose job
        """
        try:
            with self._turns.taken(whose, -1 if isinstance(whose, Job) else WRITERS_TIMEOUT):
                with Session(self._writing, expire_on_commit=False) as session, session.begin():
                    yield session
        except NoTurn:
            raise sqlite3.OperationalError("database is locked: others have been writing for too long") from None

    def close(self) -> None:
        """Close all connections; the file is complete without its journal then."""
        self.cache.close()
        self._engine.dispose()


def _prepare_connection(connection, record) -> None:
    connection.isolation_level = None  # SQLAlchemy, not the driver, begins transactions: see _begin
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection) -> None:
    connection.exec_driver_sql("BEGIN " + connection.get_execution_options().get("begin", "DEFERRED"))


def find_container(session: Session, uuid: str) -> Container | None:
    """Return the container with a uuid, None where there is no record of it."""
    return session.scalar(select(Container).where(Container.uuid == uuid))


def now() -> float:
    """Return the present moment as records keep it."""
    return time.time()
