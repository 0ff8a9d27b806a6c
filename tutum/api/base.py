"""What all resources have in common: their state, their changes and their requests."""
from __future__ import absolute_import

import copy

import six

from tutum.api import listing, replies, urls, values
from tutum.api.exceptions import TutumApiError
from tutum.api.http import send_request
from tutum.api.texts import one_line, printable

__all__ = ["RESTModel"]

PK_TYPES = six.string_types + six.integer_types

MISSING = object()


@six.python_2_unicode_compatible
class RESTModel(object):
    """Stand for one object of the service; its attributes are those of the object's JSON.

    What the service said last is kept apart from the values that were set or handed out since.
    A change is a difference between the two, at any depth, so setting a value back undoes it.

    :param attributes: values of a new object; :meth:`save` sends them
    """

    #: Path of the resource below ``tutum.base_url``.
    _endpoint = None

    #: Name of the attribute that is the primary key.
    _pk_name = "uuid"

    #: Characters of a primary key that stand in a path as they are.
    _pk_safe = ""

    #: Attributes that lists leave out.
    _detail_only = frozenset()

    #: Attributes that the service takes and never says.
    _write_only = frozenset()

    def __init__(self, **attributes):
        self._reply = {}
        self._own = {}
        for name, value in attributes.items():
            setattr(self, name, value)

    @classmethod
    def create(cls, **attributes):
        """Make a new object, which the service knows once it is saved.

        :param attributes: its values; ``None`` means 'not given'
        :returns: the object
        :raises AttributeError: for the name of a method
        """
        return cls(**attributes)

    @classmethod
    def fetch(cls, pk, timeout=None):
        """Return an object of the service.

        :param pk: its primary key
        :param timeout: as ``tutum.timeout``, for this call
        :returns: the object, with all its attributes
        :raises TutumNotFoundError: when the account has no such object
        :raises TutumApiError: for any other failure, and for a key that cannot be one
        """
        new = cls()
        new._accept(send_request("GET", cls._path(pk), timeout=timeout), "GET")
        return new

    @classmethod
    def list(cls, **filters):
        """Return all objects that match, in the service's order.

        Attributes that lists leave out are there after :meth:`refresh`.

        :param filters: as the service knows them, for example ``name="web"`` or
            ``uuid__startswith="fee9"`` (api-v1 1.6); ``None`` means 'not given'. With ``limit`` or
            ``offset`` only that page is read. ``timeout`` is no filter but as ``tutum.timeout``.
        :returns: a list of objects
        :raises TutumBadRequestError: when the service does not know how to filter so
        :raises TutumApiError: for any other failure
        """
        return list(cls.iter(**filters))

    @classmethod
    def iter(cls, **filters):
        """Yield the objects that match, one page of them in memory at a time.

        The list may change meanwhile, also by what is done with the objects: each is yielded
        once, and all that match throughout are.

        :param filters: as for :meth:`list`
        :returns: a generator of objects
        :raises TutumBadRequestError: when the service does not know how to filter so
        :raises TutumApiError: for any other failure
        """
        timeout = filters.pop("timeout", None)
        new = cls.__new__
        for reply in listing.walk(cls._endpoint + "/", filters, cls._pk_name, timeout):
            item = new(cls)
            state = item.__dict__
            state["_reply"] = reply
            state["_own"] = {}
            yield item

    def save(self, timeout=None):
        """Send what changed: all of a new object, else the changed attributes alone.

        Of a new object, empty texts, lists and dicts are left out. After a failure the changes
        are still there to be saved.

        :param timeout: as ``tutum.timeout``, for this call
        :returns: ``True``
        :raises TutumBadRequestError: when the service refuses a value
        :raises TutumApiError: for any other failure
        """
        # As they are now: another thread, or what interrupts this one, may go on changing them.
        changes = values.copied(self._changes())
        if self.pk is None:
            sent = dict((name, value) for name, value in changes.items()
                        if value not in ("", [], (), {}))
            reply = send_request("POST", self._endpoint + "/", data=sent, timeout=timeout)
            self._accept(reply, "POST", changes)
        elif changes:
            reply = send_request("PATCH", self._path(self.pk), data=changes, timeout=timeout)
            self._accept(reply, "PATCH", changes)
        return True

    def refresh(self, force=False, timeout=None):
        """Load what the service says now.

        :param force: load it even if that loses changes that are not saved
        :param timeout: as ``tutum.timeout``, for this call
        :returns: ``True``; ``False`` when there are changes that are not saved, and no force
        :raises TutumNotFoundError: when the object is gone
        :raises TutumApiError: for any other failure, and for an object that is not saved
        """
        path = self._saved_path()
        if self.is_dirty and not force:
            return False
        dropped = values.copied(self._own.copy())
        self._accept(send_request("GET", path, timeout=timeout), "GET", dropped)
        return True

    def delete(self, timeout=None):
        """Delete the object.

        :param timeout: as ``tutum.timeout``, for this call
        :returns: ``True``
        :raises TutumBadRequestError: when its state does not allow that
        :raises TutumApiError: for any other failure, and for an object that is not saved
        """
        self._accept(send_request("DELETE", self._saved_path(), timeout=timeout), "DELETE")
        return True

    @property
    def pk(self):
        """Return the primary key.

        :returns: the key, ``None`` for an object that is not saved
        """
        return self._reply.get(self._pk_name)

    @property
    def is_dirty(self):
        """Tell whether there are changes that are not saved.

        :returns: a boolean
        """
        return bool(self._changes())

    def get_all_attributes(self):
        """Return the attributes and their values, ready for JSON.

        :returns: a dict; to edit it does not change the object
        """
        return dict((name, values.copied(value))
                    for name, value in dict(self._reply, **self._own).items()
                    if self._is_attribute(name))

    def _changes(self):
        reply = self._reply
        return dict((name, value) for name, value in self._own.copy().items()
                    if not values.same(value, reply.get(name)))

    def _action(self, name, data=None, timeout=None):
        self._changes()  # what cannot be compared is told before anything is sent
        self._accept(send_request("POST", self._saved_path() + name + "/", data=data,
                                  timeout=timeout), "POST")
        return True

    @classmethod
    def _path(cls, pk):
        return "%s/%s/" % (cls._endpoint, urls.quote_pk(pk, cls._pk_safe))

    def _saved_path(self):
        if self.pk is None:
            raise TutumApiError("You must save the object before performing this operation")
        return self._path(self.pk)

    def _accept(self, reply, method, done=None):
        """Take over what the service says.

        :param done: by name, the values of the changes that are done; all others stay pending
        """
        done, before = done or {}, self._reply
        if reply is None and method != "GET" and self.pk is not None:
            reply = dict(before, **dict((name, value) for name, value in done.items()
                                        if name not in self._write_only))
        pk = reply.get(self._pk_name) if isinstance(reply, dict) else None
        if not isinstance(pk, PK_TYPES) or self.pk not in (None, pk):
            raise TutumApiError(
                "The reply does not describe the %s (%s %s/): %s.%s" % (
                    type(self).__name__.lower(), method, self._endpoint,
                    "it is empty" if reply is None else "it has no %s of it" % self._pk_name,
                    "" if method == "GET" else replies.UNSURE), method=method)
        self._reply = reply
        for name, value in self._own.copy().items():
            known = done[name] if name in done else before.get(name)
            # What a caller holds and the service has left alone goes on being watched.
            is_watched = name in reply and values.same(value, reply[name])
            if values.same(value, known) and not is_watched:
                self._take_back(name, value)

    @classmethod
    def _is_attribute(cls, name):
        return name[:1] != "_" and not hasattr(cls, six.ensure_str(name))

    def __getattr__(self, name):
        if name[:1] == "_":
            raise AttributeError(name)
        value = self._own.get(name, MISSING)
        if value is not MISSING:
            return value
        reply = self._reply
        if name in reply:
            value = reply[name]
            return self._hand_out(name, reply) if isinstance(value, (dict, list)) else value
        raise AttributeError(self._explain(name))

    def _hand_out(self, name, reply):
        """Return a copy of a value of the reply that can be edited, and watch it from now on."""
        own, copied = self._own, values.copied(reply[name])
        # What another thread has set meanwhile counts, and so does what it has loaded.
        value = own.setdefault(name, copied)
        if self._reply is reply or value is not copied:
            return value
        self._take_back(name, copied)
        return getattr(self, name)

    def _take_back(self, name, value):
        """Watch a value no more, unless another thread has set another in its place meanwhile."""
        there = self._own.pop(name, value)
        if there is not value:
            self._own.setdefault(name, there)

    def __setattr__(self, name, value):
        if name[:1] == "_":
            object.__setattr__(self, name, value)
        elif hasattr(type(self), name):
            raise AttributeError("'%s' belongs to the class %s and cannot be set"
                                 % (name, type(self).__name__))
        else:
            self._own[name] = value

    def _explain(self, name):
        if self.pk is None:
            remedy = "it is not saved, and save() loads what the service says"
        elif name in self._write_only:
            remedy = "the service takes it and never says it"
        elif name in self._detail_only:
            remedy = "list() leaves it out, refresh() loads it"
        else:
            remedy = "the service did not name it, refresh() loads what it says now"
        return printable("%s has no attribute '%s': %s" % (self, name, remedy))

    def __dir__(self):
        return sorted(set(dir(type(self))).union(
            six.ensure_str(name) for name in list(self._reply) + list(self._own)))

    def __str__(self):
        known = dict(self._reply, **self._own)
        parts = [known.get("state"), self.pk or "not saved"]
        name = known.get("unique_name") or known.get("name")
        return u"%s%s (%s)" % (type(self).__name__, u" " + one_line(name) if name else u"",
                               u", ".join(one_line(part) for part in parts if part))

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return self is other or self.pk is not None and self.pk == other.pk

    def __ne__(self, other):
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __hash__(self):
        return object.__hash__(self) if self.pk is None else hash((type(self), self.pk))

    def __copy__(self):
        # A copy that shared its values would put its edits into the original.
        return copy.deepcopy(self)
