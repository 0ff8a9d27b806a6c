import builtins
from typing import Any, Type, TypeVar

from tutum.api.base import RESTModel

__all__ = ["Image"]

_Image = TypeVar("_Image", bound="Image")

class Image(RESTModel):
    name: str
    resource_uri: str
    description: str
    username: str
    password: str
    is_private_image: bool
    base_image: bool
    starred: bool
    cluster_aware: bool
    image_url: str
    public_url: str
    docker_registry: Any
    imagetag_set: builtins.list[Any]

    @classmethod
    def create(
        cls: Type[_Image],
        *,
        name: str = ...,
        username: str = ...,
        password: str = ...,
        description: str = ...,
        **attributes: Any,
    ) -> _Image: ...
