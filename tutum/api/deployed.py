"""What applications and containers have in common: they run, or do not."""
from __future__ import absolute_import

import time

import six

from tutum.api import timeouts
from tutum.api.base import RESTModel
from tutum.api.bounded import now
from tutum.api.exceptions import TutumApiError, TutumTimeoutError, TutumWaitError
from tutum.api.http import send_request
from tutum.api.texts import one_line

__all__ = ["Deployed", "TRANSITIONAL"]

#: States that pass by themselves; any other is settled (api-v1 6).
TRANSITIONAL = ("Init", "Starting", "Scaling", "Redeploying", "Stopping", "Terminating")

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2

#: Seconds that the look at the deadline may take.
LAST_LOOK = 0.5


class Deployed(RESTModel):
    """Stand for an object that has a state and logs."""

    def start(self, timeout=None):
        """Start it; its state is ``Starting``, then ``Running``.

        :param timeout: as ``tutum.timeout``, for this call
        :returns: ``True``
        :raises TutumBadRequestError: when its state does not allow that
        :raises TutumApiError: for any other failure, and for an object that is not saved
        """
        return self._action("start", timeout=timeout)

    def stop(self, timeout=None):
        """Stop it; its state is ``Stopping``, then ``Stopped``.

        :param timeout: as ``tutum.timeout``, for this call
        :returns: ``True``
        :raises TutumBadRequestError: when its state does not allow that
        :raises TutumApiError: for any other failure, and for an object that is not saved
        """
        return self._action("stop", timeout=timeout)

    @property
    def logs(self):
        """Return what it has written so far.

        How long to wait for them, ``tutum.timeout`` says.

        :returns: text
        :raises TutumApiError: when the logs cannot be had, and for an object that is not saved
        """
        path = self._saved_path() + "logs/"
        reply = send_request("GET", path)
        text = reply.get("logs") if isinstance(reply, dict) else None
        if not isinstance(text, six.string_types):
            raise TutumApiError("The reply holds no logs (GET %s)." % path, method="GET")
        return text

    def wait(self, state=None, timeout=60):
        """Wait until it is in a state, asking the service with growing pauses.

        Changes that are not saved stay so.

        :param state: the state to wait for; ``None`` for any that does not pass by itself
        :param timeout: seconds to wait at most, ``None`` for ever
        :returns: ``True``
        :raises TutumWaitError: when it settles in another state, or is not there in time
        :raises TutumApiError: when the state cannot be had, and for an object that is not saved
        :raises ValueError: for a timeout that is no such number
        """
        path = self._saved_path()
        timeouts.check_wait(timeout)
        deadline = None if timeout is None else now() + timeout
        pause, seen = FIRST_PAUSE, self._reply.get("state")
        while True:
            left = None if deadline is None else max(deadline - now(), LAST_LOOK)
            try:
                self._accept(send_request("GET", path, time_left=left), "GET")
            except TutumTimeoutError:
                if deadline is None or now() < deadline:
                    raise
                raise TutumWaitError(
                    u"The service did not answer within %s seconds; %s was waited for, and %s was seen "
                    u"last" % (timeout, one_line(state or "a settled state"), self), state=seen)
            seen = self._reply.get("state")
            if not isinstance(seen, six.string_types):
                raise TutumApiError("The reply holds no state (GET %s)." % path, method="GET")
            if seen == state or state is None and seen not in TRANSITIONAL:
                return True
            if seen not in TRANSITIONAL:
                raise TutumWaitError(u"%s settled as %s while %s was waited for"
                                     % (self, one_line(seen), one_line(state)), state=seen)
            if deadline is not None and now() + pause > deadline:
                pause = deadline - now()
            if pause <= 0:
                raise TutumWaitError(
                    u"%s is still %s after %s seconds, %s was waited for"
                    % (self, one_line(seen), timeout, one_line(state or "a settled state")),
                    state=seen)
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
