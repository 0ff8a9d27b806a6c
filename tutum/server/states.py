"""The states of applications and containers, and what may follow what (api-v1 6)."""
from __future__ import annotations

from collections.abc import Iterable

INIT = "Init"
STARTING = "Starting"
RUNNING = "Running"
PARTLY_RUNNING = "Partly running"
SCALING = "Scaling"
REDEPLOYING = "Redeploying"
STOPPING = "Stopping"
STOPPED = "Stopped"
STOPPED_WITH_ERRORS = "Stopped with errors"
START_FAILED = "Start failed"
NOT_RUNNING = "Not running"
TERMINATING = "Terminating"
TERMINATED = "Terminated"

#: States that the controller is moving away from by itself.
TRANSITIONAL = frozenset([STARTING, SCALING, REDEPLOYING, STOPPING, TERMINATING])

#: States of a container that a start brings to Running.
STARTABLE = frozenset([INIT, STOPPED, STOPPED_WITH_ERRORS, START_FAILED])

#: In which states an application accepts an action (api-v1 6.2).
APPLICATION_ACTIONS = {
    "start": STARTABLE | {PARTLY_RUNNING},
    "stop": frozenset([RUNNING, PARTLY_RUNNING]),
    "redeploy": frozenset([RUNNING, PARTLY_RUNNING, STOPPED, STOPPED_WITH_ERRORS, START_FAILED]),
    "scale": frozenset([INIT, RUNNING, PARTLY_RUNNING, NOT_RUNNING]),
    "terminate": STARTABLE | {RUNNING, PARTLY_RUNNING, NOT_RUNNING},
}

#: In which states a container accepts an action (api-v1 6.4).
CONTAINER_ACTIONS = {
    "start": STARTABLE,
    "stop": frozenset([RUNNING]),
    "terminate": STARTABLE | {RUNNING},
}


def application_state(container_states: Iterable[str], before: str) -> str:
    """Derive the state of an application with no operation in progress from its containers' (api-v1 6.3).

    :param container_states: the states of all its containers, terminated ones too
    :param before: the state that it had; kept while nothing runs and some container is still moving
    """
    every = [state for state in container_states if state != TERMINATED]
    lasting = {state for state in every if state != TERMINATING}
    if not every:
        return NOT_RUNNING
    if lasting == {RUNNING}:
        return RUNNING
    if RUNNING in lasting:
        return PARTLY_RUNNING
    if any(state in TRANSITIONAL for state in every):
        return before
    if STOPPED_WITH_ERRORS in lasting:
        return STOPPED_WITH_ERRORS
    if lasting == {START_FAILED}:
        return START_FAILED
    return STOPPED
