"""Puts accounts and objects in any state into the records of a running service."""
import itertools
import secrets
import uuid

from werkzeug.security import generate_password_hash

from tutum.server import images, names
from tutum.server.store import Account, Application, Container, Image, Store, now

_COUNTER = itertools.count(1)

#: A first outer port that no engine gives out, so that nothing answers there by chance.
FIRST_PORT = 20000


class Owner:
    """An account with what the test put there: `uuids` has its objects' by unique name."""

    def __init__(self, account, password):
        self.id, self.user, self.apikey, self.password = account.id, account.username, account.apikey, password
        self.uuids = {}


class Records:
    """The records of the service that has a data directory."""

    def __init__(self, data_dir):
        self._store = Store(data_dir / "tutum.db")

    def close(self):
        self._store.close()

    def show_public(self, name):
        """Make this the image that everybody sees."""
        images.show_public(self._store, [name])

    def count(self, owner):
        """Return how many applications, containers and images an account has."""
        with self._store.reading() as session:
            return (session.query(Application).filter_by(account_id=owner.id).count(),
                    session.query(Container).join(Application).filter_by(account_id=owner.id).count(),
                    session.query(Image).filter_by(account_id=owner.id).count())

    def owner(self, prefix="ann"):
        """Make an account."""
        password = secrets.token_hex(4)
        account = Account(username=f"{prefix}-{next(_COUNTER)}-{secrets.token_hex(4)}", apikey=secrets.token_hex(20),
                          password_hash=generate_password_hash(password, "pbkdf2:sha256:1"))
        with self._store.writing() as session:
            session.add(account)
            session.flush()
            return Owner(account, password)

    def put(self, owner, *objects):
        """Put objects there, each as `_application` or `_image` takes it; a text is an application's name."""
        with self._store.writing() as session:
            for each in objects:
                each = {"application": each} if isinstance(each, str) else each
                (_image if "image" in each else _application)(session, owner, **each)

    def make_deletable(self, owner):
        """Say of all that an account has, and is not being terminated, that it runs; return the applications' uuids."""
        with self._store.writing() as session:
            alive = session.query(Application).filter_by(account_id=owner.id, destroyed_at=None).filter(
                Application.state != "Terminating").all()
            for application in alive:
                application.state = "Running"
                for container in application.containers:
                    if container.destroyed_at is None:
                        container.state = "Running"
            return [application.uuid for application in alive]


def _application(session, owner, application, state="Stopped", containers=(), ports=(), links=(), columns=(),
                 container_columns=(), outer_ports=True):
    """Make an application with a container in each of the states given.

    :param application: its name, which is free
    :param ports: such as ``80/tcp``
    :param links: the names of applications of the same owner
    :param outer_ports: whether the containers have been given theirs
    """
    ports = [{"inner_port": int(number), "protocol": protocol}
             for number, protocol in (text.split("/") for text in ports)]
    made = Application(**{
        "uuid": str(uuid.uuid4()), "account_id": owner.id, "name": application, "unique_name": application,
        "state": state, "image_name": "any/thing:latest", "container_size": "XS",
        "target_num_containers": sum(each not in ("Terminating", "Terminated") for each in containers),
        "last_number": len(containers), "run_command": "", "entrypoint": "", "container_ports": ports,
        "container_envvars": [], "autorestart": "OFF", "autoreplace": "OFF", "autodestroy": "OFF",
        "sequential_deployment": False, "roles": [], **_end_of(state), **dict(columns)})
    made.linked_to = [session.query(Application).filter_by(uuid=owner.uuids[name]).one() for name in links]
    for number, container_state in enumerate(containers, 1):
        made.containers.append(Container(**{
            "uuid": str(uuid.uuid4()), "number": number, "unique_name": f"{application}-{number}",
            "state": container_state, "image_name": made.image_name, "container_ports": [
                {**port, "outer_port": FIRST_PORT + 100 * number + place if outer_ports else None}
                for place, port in enumerate(ports)],
            **_end_of(container_state), **dict(container_columns)}))
    session.add(made)
    session.flush()
    owner.uuids[application] = made.uuid
    owner.uuids.update((each.unique_name, each.uuid) for each in made.containers)


def _image(session, owner, image, **columns):
    """Make a private image."""
    session.add(Image(account_id=owner.id, name=image, registry_host=names.registry_host(image),
                      is_private_image=True, username="ann", password="secret", **columns))


def _end_of(state):
    return {"destroyed_at": now()} if state == "Terminated" else {}
