"""
The log of a server that runs by itself: one JSON object a line, without payloads and without keys.
"""

import logging
import logging.config
from datetime import UTC, datetime

import orjson

from sdkbridge.faults import place_of

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
"""What every record has; the rest is what somebody added to one."""


class JSONLines(logging.Formatter):
    """
    Writes a record as one line of JSON; of an exception only its name and its place.
    """

    def format(self, record: logging.LogRecord) -> str:
        """
        Write one record.
        """
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _USUAL},
        }
        if record.exc_info and record.exc_info[1] is not None:
            told["fault"] = place_of(record.exc_info[1])
        return orjson.dumps(told, default=str).decode()


def log_to_stderr(level: str = "INFO") -> None:
    """
    Send this package's log, and the web server's, to stderr.
    """
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"lines": {"()": JSONLines}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "loggers": {
                name: {"handlers": ["stderr"], "level": level, "propagate": False}
                for name in ("sdkbridge", "uvicorn.error")
            },
        }
    )
