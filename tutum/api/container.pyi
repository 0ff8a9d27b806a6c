import builtins
from typing import Any, Dict, Optional

from tutum.api.deployed import Deployed

__all__ = ["Container"]

class Container(Deployed):
    uuid: str
    resource_uri: str
    application: str
    name: str
    unique_name: str
    state: str
    image_name: str
    image_tag: str
    container_size: str
    run_command: str
    entrypoint: str
    autorestart: str
    autoreplace: str
    autodestroy: str
    container_ports: builtins.list[Dict[str, Any]]
    container_envvars: builtins.list[Dict[str, str]]
    linked_to_application: builtins.list[Any]
    linked_from_application: builtins.list[Any]
    link_variables: Dict[str, str]
    roles: builtins.list[str]
    public_dns: str
    exit_code: Optional[int]
    exit_code_msg: Optional[str]
    deployed_datetime: Optional[str]
    started_datetime: Optional[str]
    stopped_datetime: Optional[str]
    destroyed_datetime: Optional[str]
