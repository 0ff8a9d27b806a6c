"""The service's parts in the test's own process, where a test can stand between them; no HTTP."""
import uuid
from collections import Counter

from serverprocess import SETTLED, until

from tutum.server import accounts, links, operations, states
from tutum.server.containerlogs import ContainerLogs
from tutum.server.controller import Controller
from tutum.server.engines import ContainerSpec, Size
from tutum.server.engines.process import ProcessEngine
from tutum.server.paths import Addresses
from tutum.server.store import Application, Container, Store
from tutum.server.web import validation, views

MAX_CONTAINERS = 100
LOG_READERS = 2


def spec(command="sleep 600", **attributes):
    """Return a container for an engine alone."""
    return ContainerSpec(**{"uuid": str(uuid.uuid4()), "name": "web-1", "application": str(uuid.uuid4()),
                            "account": "tutum", "image": "any/thing:latest", "run_command": command, **attributes})


class Parts:
    """A store, an engine and a controller on a directory, and what an account asks of them.

    :param engine_class: the engine, made as a `ProcessEngine` is
    """

    def __init__(self, directory, engine_class=ProcessEngine):
        self.store = Store(directory / "tutum.db")
        self.engine = engine_class(directory / "containers")
        self.addresses = Addresses("127.0.0.1", "http://127.0.0.1:1", self.engine.link_address)
        self.logs = ContainerLogs(self.engine, directory / "logs", LOG_READERS)
        self.controller = Controller(self.store, self.engine, self.logs, self.addresses, {"XS": Size(256, 0.25)},
                                     MAX_CONTAINERS)
        accounts.add(self.store, "ann")
        self.engine.open()
        self.controller.open()

    def close(self):
        self.controller.close()
        self.engine.close()
        self.store.close()

    def create(self, **attributes):
        """Create an application and return its id."""
        wanted = validation.new_application({"image": "any/thing", "run_command": "sleep 600", **attributes},
                                            MAX_CONTAINERS)
        with self.store.reading() as session:
            linked = links.resolve(session, 1, wanted.pop("linked_to_application"))
        with self.store.writing() as session:
            made = operations.create_application(session, 1, wanted, linked, self.engine.image(wanted["image"]),
                                                 MAX_CONTAINERS)
            application_id = made.id
        self.controller.wake(application_id)
        return application_id

    def running(self, **attributes):
        application_id = self.create(**attributes)
        assert self.settled(application_id) == states.RUNNING
        return application_id

    def operate(self, application_id, operation, *arguments):
        """Do one of `operations` to an application."""
        with self.store.writing() as session:
            operation(session, session.get(Application, application_id), *arguments)
        self.controller.wake(application_id)

    def state(self, application_id):
        with self.store.reading() as session:
            return session.get(Application, application_id).state

    def settled(self, application_id):
        """Wait until an application moves no more, and return its state."""
        return until(lambda: (lambda state: state in SETTLED and state)(self.state(application_id)))

    def containers(self, application_id):
        """Return the containers of an application in detail, those that are not terminated."""
        with self.store.reading() as session:
            return [views.container_in_detail(each, self.addresses) for each in session.query(Container).filter(
                Container.application_id == application_id, Container.state != states.TERMINATED).order_by("number")]

    def start_errors(self, application_id):
        """Return how many containers of an application could not be started, by the reason."""
        with self.store.reading() as session:
            return Counter(each.start_error for each in session.get(Application, application_id).containers)
