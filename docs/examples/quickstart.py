"""The two sessions of the library's page, run against a real service.

Against a service of its own, which is taken down afterwards::

    tutum-server run -- python docs/examples/quickstart.py

It prints what was called and what came of it, as an interactive session would.
"""
from __future__ import print_function

import time

import tutum

#: States that a container or an application stays in until it is told otherwise, or until it fails.
SETTLED = ("Running", "Partly running", "Stopped", "Stopped with errors", "Start failed", "Not running", "Terminated")


def show(statement, value=None):
    """Print a statement and, where it has one, its value."""
    print(">>> " + statement)
    if value is not None:
        print('"%s"' % value if hasattr(value, "lower") else value)


def settle(name, item, timeout=60):
    """Ask the service for the state of `item` until it is one that lasts, and print it."""
    deadline = time.time() + timeout
    refreshed = item.refresh()
    while item.state not in SETTLED:
        if time.time() > deadline:
            raise SystemExit("%s is still %s after %d s" % (name, item.state, timeout))
        time.sleep(0.05)
        refreshed = item.refresh()
    show(name + ".refresh()", refreshed)
    show(name + ".state", item.state)


def applications():
    """Run the session on applications."""
    app = tutum.Application.create(image="tutum/hello-world", name="my-new-app", target_num_containers=2)
    show('app = tutum.Application.create(image="tutum/hello-world", name="my-new-app", target_num_containers=2)')
    show("app.save()", app.save())
    show("app.state", app.state)
    settle("app", app)
    show("tutum.Application.list()", tutum.Application.list())
    uuid = tutum.Application.list(name="my-new-app")[0].uuid
    show('tutum.Application.list(name="my-new-app")[0].uuid', uuid)
    app = tutum.Application.fetch(uuid)
    show('app = tutum.Application.fetch("%s")' % uuid)
    show("app.name", app.name)
    app.target_num_containers = 3
    show("app.target_num_containers = 3")
    show("app.save()", app.save())
    show("app.state", app.state)
    settle("app", app)
    show("app.stop()", app.stop())
    settle("app", app)
    show("app.start()", app.start())
    settle("app", app)
    show("app.delete()", app.delete())
    show("app.state", app.state)
    settle("app", app)


def containers():
    """Run the session on containers, on an application made anew."""
    app = tutum.Application.create(image="tutum/hello-world", name="my-new-app")
    show('app = tutum.Application.create(image="tutum/hello-world", name="my-new-app")')
    show("app.save()", app.save())
    settle("app", app)
    show('tutum.Container.list(application__name="my-new-app", state="Running")',
         tutum.Container.list(application__name="my-new-app", state="Running"))
    uuid = tutum.Container.list(application__name="my-new-app")[0].uuid
    show('tutum.Container.list(application__name="my-new-app")[0].uuid', uuid)
    container = tutum.Container.fetch(uuid)
    show('container = tutum.Container.fetch("%s")' % uuid)
    show("container.name", container.name)
    show("container.stop()", container.stop())
    show("container.state", container.state)
    settle("container", container)
    show("container.start()", container.start())
    settle("container", container)
    show("container.delete()", container.delete())
    show("container.state", container.state)
    settle("container", container)
    settle("app", app)
    show("app.delete()", app.delete())
    settle("app", app)


if __name__ == "__main__":
    print("# Applications")
    applications()
    print("\n# Containers")
    containers()
