"""What follows when a container ended that nobody asked to end (api-v1 3.7)."""
from __future__ import annotations

from sqlalchemy.orm import Session

from tutum.server import operations, states
from tutum.server.store import Container, now

#: How often a container is restarted or replaced, and within how many seconds.
RESTARTS, RESTART_WINDOW = 3, 60
REPLACEMENTS, REPLACEMENT_WINDOW = 3, 300


def recover(session: Session, container: Container, exit_code: int | None) -> None:
    """Give a container that ended the state that its application's policies ask for.

    Restart comes before replacement and that before destruction; what has had its tries is passed over.

    :param exit_code: of this end; one that nobody knows counts as a failure
    """
    application, moment = container.application, now()

    def applies(policy: str) -> bool:
        return policy == "ALWAYS" or policy == "ON_FAILURE" and exit_code != 0
    restarts = [each for each in container.restarted_at if moment - RESTART_WINDOW < each <= moment]
    replacements = [each for each in container.replaced_at if moment - REPLACEMENT_WINDOW < each <= moment]
    if applies(application.autorestart) and len(restarts) < RESTARTS:
        container.restarted_at = restarts + [moment]
        container.state = states.STARTING
    elif applies(application.autoreplace) and len(replacements) < REPLACEMENTS:
        new, = operations.replace_containers(session, [container])
        new.replaced_at = replacements + [moment]
    elif applies(application.autodestroy):
        container.state = states.TERMINATING
        operations.want_one_less(application)
    else:
        container.state = states.STOPPED
