"""Applications: an image, and the containers that run it."""
from __future__ import absolute_import

from tutum.api.deployed import Deployed

__all__ = ["Application"]


class Application(Deployed):
    """Stand for an application: an image, and the containers that run it (api-v1 3.1).

    Its attributes are what :meth:`create` takes, ``image`` excepted, and these. Lists leave out
    ``containers``, ``container_envvars``, ``link_variables``, ``linked_to_application``,
    ``linked_from_application`` and ``roles``; :meth:`refresh` loads them.

    :ivar str uuid: primary key
    :ivar str resource_uri: its path on the service
    :ivar str unique_name: ``name``, with a number where another application has that
    :ivar str state: such as ``"Running"`` (api-v1 6)
    :ivar str image_name: the image, with its tag
    :ivar str image_tag: path of that tag on the service
    :ivar list containers: paths of its containers on the service
    :ivar int current_num_containers: how many containers there are
    :ivar int running_num_containers: how many of them run
    :ivar int stopped_num_containers: how many of them are stopped
    :ivar list linked_from_application: paths of the applications that link to it
    :ivar dict link_variables: environment that an application gets which links to it
    :ivar str public_dns: host of its web port, ``None`` without one
    :ivar str deployed_datetime: when it was last deployed; this and the next as in
        ``"Fri, 9 May 2014 08:03:07 +0000"``, or ``None``
    :ivar str started_datetime: when it last started
    :ivar str stopped_datetime: when it last stopped
    :ivar str destroyed_datetime: when it was terminated
    """

    _endpoint = "application"
    _detail_only = frozenset(["container_envvars", "containers", "link_variables",
                              "linked_from_application", "linked_to_application", "roles"])
    _write_only = frozenset(["image"])

    @classmethod
    def create(cls, **attributes):
        """Make a new application; ``save()`` deploys it.

        A text may have 65,536 characters, and a list 1,000 items.

        :param str image: what to run, such as ``"tutum/hello-world"`` or ``"acme/shop:v3"``;
            required
        :param str name: its name, a letter or digit and then letters, digits, ``_`` and ``-``, 63
            in all; default: the image's name without namespace and tag
        :param int target_num_containers: how many containers to run, from 1 to what the account
            may have, 200 unless the service says otherwise; default: 1
        :param str container_size: ``"XS"``, ``"S"``, ``"M"``, ``"L"`` or ``"XL"``; default:
            ``"XS"``
        :param str run_command: command to run; default: the image's
        :param str entrypoint: what runs the command; default: the image's
        :param list container_ports: ports to publish, such as
            ``[{"protocol": "tcp", "inner_port": 80}]``, ``tcp`` or ``udp``, 1 to 65535; default:
            those of the image
        :param list container_envvars: environment, such as
            ``[{"key": "MODE", "value": "prod"}]``; default: ``[]``
        :param list linked_to_application: applications to link to: ``resource_uri``, uuid or
            unique name of each; default: ``[]``
        :param str autorestart: whether to start a container again when it exits: ``"OFF"``,
            ``"ON_FAILURE"`` or ``"ALWAYS"``, 3 times a minute at most; default: ``"OFF"``
        :param str autoreplace: whether to replace it when it exits, with the same values, 3 times
            in 5 minutes at most; default: ``"OFF"``
        :param str autodestroy: whether to terminate it when it exits, with the same values;
            default: ``"OFF"``
        :param bool sequential_deployment: whether to start containers one after another;
            default: ``False``
        :param list roles: ``["global"]`` lets the containers use the API; default: ``[]``
        :param str web_public_dns: name under which the web port is known; default: ``public_dns``
        :returns: the application, not saved yet
        :raises AttributeError: for the name of a method
        """
        return super(Application, cls).create(**attributes)

    def redeploy(self, tag=None, timeout=None):
        """Replace the containers by new ones, which keep names and ports but no data.

        :param tag: tag of the image to run from now on, ``None`` for the same
        :param timeout: as ``tutum.timeout``, for this call
        :returns: ``True``
        :raises TutumBadRequestError: when its state does not allow that
        :raises TutumApiError: for any other failure, and for an application that is not saved
        """
        return self._action("redeploy", data={"tag": tag}, timeout=timeout)
