import logging
from typing import Any, Optional

from tutum.api import auth as auth, http as http
from tutum.api.application import Application as Application
from tutum.api.container import Container as Container
from tutum.api.exceptions import (
    TutumApiError as TutumApiError,
    TutumAuthError as TutumAuthError,
    TutumBadRequestError as TutumBadRequestError,
    TutumConnectionError as TutumConnectionError,
    TutumNotFoundError as TutumNotFoundError,
    TutumServerError as TutumServerError,
    TutumTimeoutError as TutumTimeoutError,
    TutumWaitError as TutumWaitError,
)
from tutum.api.image import Image as Image

__all__ = ["Application", "Container", "Image", "TutumApiError", "TutumAuthError",
           "TutumBadRequestError", "TutumConnectionError", "TutumNotFoundError",
           "TutumServerError", "TutumTimeoutError", "TutumWaitError", "apikey", "auth", "base_url",
           "http", "logger", "max_reply_size", "retries", "timeout", "user", "user_agent"]
__version__: str

user: Optional[str]
apikey: Optional[str]
base_url: str
timeout: Any
retries: int
max_reply_size: Optional[int]
user_agent: str
logger: logging.Logger
