"""The place of a connection that is not in use."""
import pytest
from six.moves import queue

from rawservice import reply
from tutum.api import http
from tutum.api.slot import Slot


def test_a_slot_keeps_one_connection():
    slot = Slot()
    with pytest.raises(queue.Empty):
        slot.get(block=False)
    slot.put(None)
    assert slot.qsize() == 0
    slot.put("connection", block=False)
    assert slot.qsize() == 1
    with pytest.raises(queue.Full):
        slot.put("another")
    assert slot.get(block=False, timeout=None) == "connection" and slot.qsize() == 0


def test_a_connection_waits_in_a_slot_and_is_closed_with_the_others(raw):
    raw.answer(reply(200))
    for _ in range(3):
        http.send_request("GET", "x/")
    transport, = http._local.transports.values()
    slot = transport.adapter._pool.pool
    assert type(slot) is Slot and slot.qsize() == 1 and raw.connections == 1
    connection = slot._items[0]
    http.close()
    assert connection.sock is None and slot.qsize() == 0
