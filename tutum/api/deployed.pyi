from typing import Optional, Tuple

from tutum.api.base import RESTModel
from tutum.api.http import _Timeout

__all__ = ["Deployed", "TRANSITIONAL"]

TRANSITIONAL: Tuple[str, ...]

class Deployed(RESTModel):
    def start(self, timeout: _Timeout = ...) -> bool: ...
    def stop(self, timeout: _Timeout = ...) -> bool: ...
    @property
    def logs(self) -> str: ...
    def wait(self, state: Optional[str] = ..., timeout: Optional[float] = ...) -> bool: ...
