"""A local Bot API server with a chat page: the bot without a token, and the Telegram of every end-to-end test."""
