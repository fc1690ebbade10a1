"""A local Bot API server with a chat page."""
