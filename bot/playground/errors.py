"""How the playground says no: in Telegram's words to the bot, in plain words to a person's control call."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer of the Bot API that is not ok. `description` is Telegram's own text where it is known."""

    def __init__(
        self, code: int, description: str, *, retry_after: int | None = None, migrate_to: int | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after
        self.migrate_to = migrate_to

    def body(self) -> dict[str, Any]:
        """The JSON envelope that goes with HTTP status `code`."""
        parameters = {
            name: value
            for name, value in (("retry_after", self.retry_after), ("migrate_to_chat_id", self.migrate_to))
            if value is not None
        }
        envelope: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        return {**envelope, "parameters": parameters} if parameters else envelope


class PlayError(Exception):
    """The control interface was asked for something that a person could not do."""


def bad_request(description: str) -> ApiError:
    return ApiError(400, f"Bad Request: {description}")


def forbidden(description: str) -> ApiError:
    return ApiError(403, f"Forbidden: {description}")
