"""Accounts: who may use the service (api-v1 1.2, 2)."""
from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, replace

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from tutum.server.store import Account, Application, Store


USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


class AccountError(Exception):
    """What was asked of an account cannot be done; the text says why."""


@dataclass(frozen=True)
class Identity:
    """The account that a request acts for."""

    id: int
    username: str
    apikey: str


@dataclass(frozen=True)
class NewAccount:
    """An account just made. Only a hash of the password is kept, so it can be told now and never again."""

    username: str
    password: str
    apikey: str


#: Compared with when there is no such account, so that a reply takes as long as for a wrong password.
_NO_ACCOUNT = generate_password_hash(secrets.token_hex(16))
_NOBODY = Identity(0, "", secrets.token_hex(20))


def add(store: Store, username: str) -> NewAccount:
    """Make an account with a password and an API key of its own.

    :raises AccountError: the name is taken, or cannot be one
    """
    if not USERNAME.fullmatch(username):
        raise AccountError(f"'{username}' cannot be a user name: it starts with a letter or digit and holds at most 63 "
                           "letters, digits, '.', '-' and '_'.")
    account = NewAccount(username, _new_password(), _new_apikey())
    with store.writing() as session:
        if session.scalar(select(Account.id).where(Account.username == username)) is not None:
            raise AccountError(f"There is an account '{username}' already.")
        session.add(Account(username=username, password_hash=generate_password_hash(account.password),
                            apikey=account.apikey))
    return account


def usernames(store: Store) -> list[str]:
    """Return the names of all accounts, in order of their making."""
    with store.reading() as session:
        return list(session.scalars(select(Account.username).order_by(Account.id)))


def change_password(store: Store, username: str) -> str:
    """Give an account a new password and return it.

    :raises AccountError: there is no such account
    """
    password = _new_password()
    with store.writing() as session:
        _get(session, username).password_hash = generate_password_hash(password)
    return password


def rotate_key(store: Store, username: str) -> str:
    """Give an account a new API key and return it; the old one, and the tokens of its roles, are void at once.

    :raises AccountError: there is no such account
    """
    with store.writing() as session:
        account = _get(session, username)
        account.apikey = _new_apikey()
        return account.apikey


def remove(store: Store, username: str) -> None:
    """Remove an account that has no applications left, with its images.

    :raises AccountError: there is no such account, or it has applications that are not terminated
    """
    with store.writing() as session:
        account = _get(session, username)
        applications = select(Application).where(Application.account_id == account.id)
        if session.scalar(applications.where(Application.destroyed_at.is_(None)).limit(1)) is not None:
            raise AccountError(f"Account '{username}' has applications. Terminate them first.")
        session.execute(delete(Application).where(Application.account_id == account.id))
        session.delete(account)


def _get(session: Session, username: str) -> Account:
    account = session.scalar(select(Account).where(Account.username == username))
    if account is None:
        raise AccountError(f"There is no account '{username}'.")
    return account


def _new_password() -> str:
    return secrets.token_urlsafe(12)


def _new_apikey() -> str:
    return secrets.token_hex(20)


def exist(store: Store) -> bool:
    """Tell whether there is any account."""
    with store.reading() as session:
        return session.scalar(select(Account.id).limit(1)) is not None


def is_there(session: Session, identity: Identity) -> bool:
    """Tell whether an account has not been removed."""
    return session.scalar(select(Account.id).where(Account.id == identity.id,
                                                   Account.username == identity.username)) is not None


def find(store: Store, username: str) -> Identity | None:
    """Return the account that has this name, or None."""
    return _find(store, username)[0]


def by_apikey(store: Store, username: str, apikey: str) -> Identity | None:
    """Return the account that has this name and API key, or None.

    The token of an application with a role counts as a key while the application is there (api-v1 3.9).
    """
    identity, _ = _find(store, username)
    known = identity or _NOBODY  # so that a name without an account takes as long
    uuid, dot, _ = apikey.partition(".")
    expected = _role_token(known.apikey, uuid) if dot and _has_role(store, known, uuid) else known.apikey
    is_right = hmac.compare_digest(expected.encode(), apikey.encode("utf-8", "replace"))
    # Who has a token is not told the key, which outlives it.
    return replace(identity, apikey=apikey) if identity and is_right else None


def role_header(application: Application) -> str:
    """Return the Authorization header for the containers of an application with a role."""
    account = application.account
    return f"ApiKey {account.username}:{_role_token(account.apikey, application.uuid)}"


def _role_token(apikey: str, uuid: str) -> str:
    return f"{uuid}.{hmac.new(apikey.encode(), uuid.encode('utf-8', 'replace'), 'sha256').hexdigest()}"


def _has_role(store: Store, identity: Identity, uuid: str) -> bool:
    with store.reading() as session:
        application = session.scalar(select(Application).where(
            Application.uuid == uuid, Application.account_id == identity.id, Application.destroyed_at.is_(None)))
        return application is not None and "global" in application.roles


def by_password(store: Store, username: str, password: str) -> Identity | None:
    """Return the account that has this name and password, or None."""
    identity, password_hash = _find(store, username)
    return identity if check_password_hash(password_hash, password) and identity else None


def _find(store: Store, username: str) -> tuple[Identity | None, str]:
    """Return an account with the hash of its password, or no account with a hash that no password has."""
    def read() -> tuple[Identity | None, str]:
        with store.reading() as session:
            account = session.scalar(select(Account).where(Account.username == username))
            if account is None:
                return None, _NO_ACCOUNT
            return Identity(account.id, account.username, account.apikey), account.password_hash
    return store.cache.get(("account", username), read)
