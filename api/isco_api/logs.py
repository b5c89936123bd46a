"""Logs as JSON lines on standard error. No line holds a job's text, a query or a secret: routes are patterns, records are numbers."""

import logging.config


def set_up_logs(level: str = "INFO") -> None:
    """Sends what this program and its server log to standard error, one JSON object a line."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
                    "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"level": level, "handlers": ["stderr"]},
            # The server's own access log holds paths and queries.
            "loggers": {
                "uvicorn.access": {"level": "CRITICAL", "propagate": False},
                "uvicorn.error": {"level": "WARNING"},
                "alembic": {"level": "WARNING"},
            },
        }
    )
