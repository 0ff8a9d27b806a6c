"""The place of a connection that is not in use."""
from __future__ import absolute_import

from six.moves import queue


class Slot(object):
    """Keep one connection, in the place of a queue that urllib3 makes for the threads of a pool.

    A transport has one thread. A lock would do harm: an exception that a signal's handler raises,
    such as Ctrl-C's, could leave it locked, and the next call would wait for ever.
    """

    def __init__(self):
        self._items = []

    def get(self, block=False, timeout=None):
        """Return the connection.

        :param block: not used
        :param timeout: not used
        :returns: what was put last
        :raises queue.Empty: when it is in use, or there is none yet
        """
        try:
            return self._items.pop()
        except IndexError:
            pass
        raise queue.Empty

    def put(self, item, block=False):
        """Keep a connection.

        :param item: the connection, ``None`` for none
        :param block: not used
        :returns: ``None``
        :raises queue.Full: when one is kept already
        """
        if self._items:
            raise queue.Full
        if item is not None:
            self._items.append(item)

    def qsize(self):
        """Return how many are kept.

        :returns: a number
        """
        return len(self._items)
