"""Containers: what an application runs."""
from __future__ import absolute_import

from tutum.api.deployed import Deployed

__all__ = ["Container"]


class Container(Deployed):
    """Stand for a container of an application; its attributes are those of api-v1 4.1."""

    _endpoint = "container"
    _detail_only = frozenset(["container_envvars", "link_variables", "linked_from_application",
                              "linked_to_application", "roles"])
