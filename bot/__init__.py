"""The Telegram process: put together, start, stop."""
