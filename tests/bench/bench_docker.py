"""Speed of the service on a Docker Engine: ratios to the engine's own SDK, in one run, printed as a table.

The SDK runs containers that are published and limited as those of the service are. The service's are on a network on
which they find each other by name, and that has its price: so the SDK's are measured once without, once with one.

Needs an engine that ``DOCKER_HOST`` names, or one of its own::

    python tests/docker_engine.py python tests/bench/bench_docker.py
"""
import contextlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

import docker

sys.path[:0] = [str(Path(__file__).parents[1])]

import tutum  # noqa: E402
from docker_engine import make_images  # noqa: E402
from serverprocess import Server  # noqa: E402

IMAGE = "tutum/hello-world"
ROUNDS = 7
SCALE = 20
LOG_BYTES = 10_000_000
NETWORK = "tutum-bench"
LOG_COMMAND = f"sh -c 'yes {'x' * 99} | head -c {LOG_BYTES}'"


def seconds(work):
    """Return how long some work takes, and what it returns."""
    began = time.monotonic()
    result = work()
    return time.monotonic() - began, result


def ratios(ours, theirs, rounds=ROUNDS):
    """Measure both in turn, and return the median of the ratios with the medians of the seconds."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return (statistics.median(mine / other for mine, other in pairs),
            *(statistics.median(column) for column in zip(*pairs)))


def run(client, **options):
    """Have the SDK run what the service runs."""
    return client.containers.run(IMAGE, detach=True, init=True, mem_limit="256m", memswap_limit="256m",
                                 cpu_period=100_000, cpu_quota=25_000, ports={"80/tcp": ("127.0.0.1", None)}, **options)


def wait(item, state="Running"):
    """Ask for an object until it has a state, often enough to see it at once."""
    while item.state != state:
        assert item.state in ("Starting", "Scaling", "Terminating", "Running", "Stopped"), item.state
        time.sleep(0.01)
        item.refresh()


def remove(app):
    app.delete()
    wait(app, "Terminated")


def save_to_running(client, **options):
    def ours():
        app = tutum.Application.create(image=IMAGE)
        took, _ = seconds(lambda: (app.save(), wait(app)))
        remove(app)
        return took

    def theirs():
        took, container = seconds(lambda: run(client, **options))
        container.remove(force=True)
        return took
    ours(), theirs()
    return ratios(ours, theirs)


def scale(client, **options):
    def ours():
        app = tutum.Application.create(image=IMAGE)
        app.save()
        wait(app)
        app.target_num_containers = SCALE
        took, _ = seconds(lambda: (app.save(), wait(app)))
        assert app.running_num_containers == SCALE
        remove(app)
        return took

    def theirs():
        took, containers = seconds(lambda: [run(client, **options) for _ in range(SCALE - 1)])
        for container in containers:
            container.remove(force=True)
        return took
    return ratios(ours, theirs, rounds=3)


def logs(client):
    app = tutum.Application.create(image=IMAGE, run_command=LOG_COMMAND, container_size="M")
    app.save()
    while app.state in ("Starting", "Running"):
        time.sleep(0.1)
        app.refresh()
    container = tutum.Container.list(application__uuid=app.uuid)[0]
    made, = client.containers.list(all=True, filters={"label": f"tutum.uuid={container.uuid}"})

    def ours():
        took, text = seconds(lambda: container.logs)
        assert len(text) == LOG_BYTES
        return took

    def theirs():
        took, text = seconds(made.logs)
        assert len(text) == LOG_BYTES
        return took
    ours(), theirs()
    found = ratios(ours, theirs)
    remove(app)
    return found


def main():
    with contextlib.closing(docker.from_env()) as client, tempfile.TemporaryDirectory() as directory, \
            open(Path(directory) / "log", "w") as log:
        make_images(client, IMAGE)
        network = client.networks.create(NETWORK)
        server = Server(Path(directory) / "data").start("--engine", "docker", stderr=log)
        tutum.user, tutum.apikey, tutum.base_url = server.user, server.apikey, server.base_url
        print(f"{'work':58} {'ratio':>6} {'bar':>5} {'s':>7} {'SDK s':>7}")
        try:
            for text, work, bar, options in (
                    ("save() to Running, against docker run -d", save_to_running, 1.5, {}),
                    ("the same, on a network like the service's", save_to_running, 1.5, {"network": NETWORK}),
                    (f"scale 1 to {SCALE}, against {SCALE - 1} docker run -d in a row", scale, 0.8, {}),
                    ("the same, on a network like the service's", scale, 0.8, {"network": NETWORK}),
                    ("Container.logs of 10 MB, against the SDK's logs()", logs, 2.0, {})):
                ratio, mine, other = work(client, **options)
                print(f"{text:58} {ratio:6.2f} {bar:5.2f} {mine:7.3f} {other:7.3f}"
                      f"{'   over the bar' if ratio > bar else ''}", flush=True)
        finally:
            network.remove()
            server.close()


if __name__ == "__main__":
    main()
