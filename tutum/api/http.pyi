from typing import Any, Mapping, Optional, Tuple, Union

__all__ = ["close", "send_request"]

_Timeout = Union[None, float, Tuple[Optional[float], Optional[float]]]

def send_request(method: str, path: str, params: Optional[Mapping[str, Any]] = ...,
                 data: Any = ..., headers: Optional[Mapping[str, str]] = ...,
                 auth: Optional[Tuple[str, str]] = ..., timeout: _Timeout = ...,
                 time_left: Optional[float] = ...) -> Any: ...
def close() -> None: ...
