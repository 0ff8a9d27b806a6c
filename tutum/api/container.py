"""Containers: what an application runs."""
from __future__ import absolute_import

from tutum.api.deployed import Deployed

__all__ = ["Container"]


class Container(Deployed):
    """Stand for a container of an application (api-v1 4.1).

    These attributes are copies of the application's: ``image_name``, ``image_tag``,
    ``container_size``, ``run_command``, ``entrypoint``, ``autorestart``, ``autoreplace``,
    ``autodestroy``, ``linked_to_application``, ``linked_from_application`` and ``roles``. Lists
    leave out the last three, ``container_envvars`` and ``link_variables``; :meth:`refresh` loads
    them.

    :ivar str uuid: primary key
    :ivar str resource_uri: its path on the service
    :ivar str application: path of its application on the service
    :ivar str name: its name, such as ``"web-1"``
    :ivar str unique_name: the same
    :ivar str state: such as ``"Running"`` (api-v1 6)
    :ivar list container_ports: its ports, each with ``inner_port``, ``outer_port`` and
        ``protocol``
    :ivar list container_envvars: the application's environment and the link variables that it
        got, each with ``key`` and ``value``
    :ivar dict link_variables: environment that an application gets for it which links to its own
    :ivar str public_dns: host at which its outer ports answer
    :ivar int exit_code: how it exited last, ``None`` if it has not
    :ivar str exit_code_msg: the same in words
    :ivar str deployed_datetime: when it was last deployed; this and the next as in
        ``"Fri, 9 May 2014 08:03:07 +0000"``, or ``None``
    :ivar str started_datetime: when it last started
    :ivar str stopped_datetime: when it last stopped
    :ivar str destroyed_datetime: when it was terminated
    """

    _endpoint = "container"
    _detail_only = frozenset(["container_envvars", "link_variables", "linked_from_application",
                              "linked_to_application", "roles"])
