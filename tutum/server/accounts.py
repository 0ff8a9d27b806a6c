"""Accounts: who may use the service (api-v1 1.2, 2)."""
from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import select
from werkzeug.security import check_password_hash, generate_password_hash

from tutum.server.store import Account, Application, Store


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
    """Return the account that has this name and API key, or None.

    The token of an application with a role counts as a key while the application is there (api-v1 3.9).
    """
    identity, _ = _find(store, username)
    if identity is None:
        return None
    uuid, dot, _ = apikey.partition(".")
    expected = _role_token(identity.apikey, uuid) if dot and _has_role(store, identity, uuid) else identity.apikey
    return identity if hmac.compare_digest(expected.encode(), apikey.encode("utf-8", "replace")) else None


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
    with store.reading() as session:
        account = session.scalar(select(Account).where(Account.username == username))
        if account is None:
            return None, _NO_ACCOUNT
        return Identity(account.id, account.username, account.apikey), account.password_hash
