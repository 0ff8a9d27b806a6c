import builtins
from typing import Any, Dict, Optional, Type, TypeVar

from tutum.api.deployed import Deployed
from tutum.api.http import _Timeout

__all__ = ["Application"]

_Application = TypeVar("_Application", bound="Application")

class Application(Deployed):
    uuid: str
    resource_uri: str
    name: str
    unique_name: str
    image: str
    image_name: str
    image_tag: str
    state: str
    container_size: str
    target_num_containers: int
    current_num_containers: int
    running_num_containers: int
    stopped_num_containers: int
    run_command: str
    entrypoint: str
    container_ports: builtins.list[Dict[str, Any]]
    container_envvars: builtins.list[Dict[str, str]]
    containers: builtins.list[str]
    linked_to_application: builtins.list[Any]
    linked_from_application: builtins.list[Any]
    link_variables: Dict[str, str]
    autorestart: str
    autoreplace: str
    autodestroy: str
    sequential_deployment: bool
    roles: builtins.list[str]
    public_dns: Optional[str]
    web_public_dns: Optional[str]
    deployed_datetime: Optional[str]
    started_datetime: Optional[str]
    stopped_datetime: Optional[str]
    destroyed_datetime: Optional[str]

    @classmethod
    def create(
        cls: Type[_Application],
        *,
        image: str = ...,
        name: Optional[str] = ...,
        target_num_containers: Optional[int] = ...,
        container_size: Optional[str] = ...,
        run_command: Optional[str] = ...,
        entrypoint: Optional[str] = ...,
        container_ports: Optional[builtins.list[Dict[str, Any]]] = ...,
        container_envvars: Optional[builtins.list[Dict[str, str]]] = ...,
        linked_to_application: Optional[builtins.list[Any]] = ...,
        autorestart: Optional[str] = ...,
        autoreplace: Optional[str] = ...,
        autodestroy: Optional[str] = ...,
        sequential_deployment: Optional[bool] = ...,
        roles: Optional[builtins.list[str]] = ...,
        web_public_dns: Optional[str] = ...,
        **attributes: Any,
    ) -> _Application: ...
    def redeploy(self, tag: Optional[str] = ..., timeout: _Timeout = ...) -> bool: ...
