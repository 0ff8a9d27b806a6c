"""The account that the first start makes, and the file by which scripts use it."""
from __future__ import annotations

import os
from pathlib import Path

from tutum.server import accounts
from tutum.server.store import Store

#: The account's user name.
USERNAME = "tutum"

#: The file in the data directory that has the account's name and key, in the form of ``~/.tutum``.
CLIENT_FILE = "client.ini"


def make(store: Store) -> str | None:
    """Make the account if there is none at all, and return its password then."""
    return None if accounts.exist(store) else accounts.add(store, USERNAME).password


def keep_client_file(store: Store, data_dir: Path) -> bool:
    """Have the client file say what the records say of the account, and be there only where the account is.

    A service may be killed after it changed the records and before the file, so each start does this, too.

    :returns: whether the file had to be written
    """
    account, path = accounts.find(store, USERNAME), data_dir / CLIENT_FILE
    if account is None:
        path.unlink(missing_ok=True)
        return False
    content = f"[auth]\nuser = {account.username}\napikey = {account.apikey}\n".encode()
    if path.exists() and path.read_bytes() == content:
        return False
    unfinished = path.with_suffix(".new")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    os.replace(unfinished, path)
    return True
