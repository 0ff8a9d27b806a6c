"""What the service answers when it does not do what was asked (api-v1 1.7)."""
from __future__ import annotations


class RequestError(Exception):
    """A request that is refused: `status` and `headers` are those of the reply and `body` its JSON."""

    status = 400
    headers: dict[str, str] = {}

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.body: dict = {"error": text}


class ValidationError(RequestError):
    """Attributes that cannot be accepted, each with its messages.

    :param resource: the resource's name, ``application``
    :param messages: a list of messages for each attribute
    """

    def __init__(self, resource: str, messages: dict[str, list[str]]) -> None:
        super().__init__(f"Invalid {resource}")
        self.body = {resource: messages}


class NotFound(RequestError):
    """There is no such object, or it is another account's."""

    status = 404

    def __init__(self) -> None:
        super().__init__("Not found")


class UnsupportedContent(RequestError):
    """The body is not said to be JSON."""

    status = 415


class Unavailable(RequestError):
    """The service cannot do it now."""

    status = 503


class Congested(Unavailable):
    """Too much of what was asked for before is not at its end; it may be better soon."""

    headers = {"Retry-After": "1"}
