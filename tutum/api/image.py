"""Images: what applications can run, and the credentials for those that are private."""
from __future__ import absolute_import

import re

from tutum.api.base import RESTModel
from tutum.api.exceptions import TutumApiError

__all__ = ["Image"]


class Image(RESTModel):
    """Stand for an image (api-v1 5.1).

    :ivar str name: primary key, without a tag
    :ivar str resource_uri: its path on the service
    :ivar str description: what it is
    :ivar bool is_private_image: whether it is the account's own
    :ivar bool base_image: whether it is a bare system
    :ivar bool starred: whether it is recommended
    :ivar bool cluster_aware: whether its containers find each other
    :ivar str image_url: address of its icon, or ``""``
    :ivar str public_url: address of its page, or ``""``
    :ivar docker_registry: its registry: the path of that in lists, else a dict
    :ivar list imagetag_set: its tags: paths of them in lists, else dicts
    """

    _endpoint = "image"
    _pk_name = "name"
    _pk_safe = "/"
    _write_only = frozenset(["username", "password"])

    @classmethod
    def create(cls, **attributes):
        """Make a new private image; ``save()`` gives the service the credentials for it.

        :param str name: its name with the registry's host, such as ``"quay.io/acme/shop"``;
            required
        :param str username: user of the registry; required
        :param str password: that user's password; required, and forgotten once it is saved
        :param str description: what it is; default: ``""``
        :returns: the image, not saved yet
        :raises AttributeError: for the name of a method
        """
        return super(Image, cls).create(**attributes)

    @classmethod
    def _path(cls, pk):
        path = super(Image, cls)._path(pk)
        if re.search("/tag/[^/]+/$", path):
            raise TutumApiError("No image can have the name '%s': it is that of a tag." % pk)
        return path
