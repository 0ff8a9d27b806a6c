"""Accounts: who may use the service (api-v1 1.2, 2)."""
from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import select
from werkzeug.security import check_password_hash, generate_password_hash

from tutum.server.store import Account, Store


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


def add(store: Store, username: str) -> NewAccount:
    """Make an account with a password and an API key of its own."""
    account = NewAccount(username, secrets.token_urlsafe(12), secrets.token_hex(20))
    with store.writing() as session:
        session.add(Account(username=username, password_hash=generate_password_hash(account.password),
                            apikey=account.apikey))
    return account


def exist(store: Store) -> bool:
    """Tell whether there is any account."""
    with store.reading() as session:
        return session.scalar(select(Account.id).limit(1)) is not None


def by_apikey(store: Store, username: str, apikey: str) -> Identity | None:
    """Return the account that has this name and API key, or None."""
    identity, _ = _find(store, username)
    matches = hmac.compare_digest((identity.apikey if identity else "").encode(), apikey.encode("utf-8", "replace"))
    return identity if identity and matches else None


def by_password(store: Store, username: str, password: str) -> Identity | None:
    """Return the account that has this name and password, or None."""
    identity, password_hash = _find(store, username)
    return identity if check_password_hash(password_hash, password) and identity else None


def _find(store: Store, username: str) -> tuple[Identity | None, str]:
    with store.reading() as session:
        account = session.scalar(select(Account).where(Account.username == username))
        if account is None:
            return None, _NO_ACCOUNT
        return Identity(account.id, account.username, account.apikey), account.password_hash
