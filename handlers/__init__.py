"""What we do for each kind of update: one module per kind, plain coroutines, no policy.

`bot/app.py` registers these callbacks, in ONE table: PTB runs the first match of each group, and groups -2 (whose
language counts) and -1 (who was seen where) run before group 0 and never stop it. Updates are processed concurrently: an
album needs it, and so does patience with an engine that does not answer.

Everything else in a group, and edits, channel posts, guest and business messages, matches nothing.
`ALLOWED_UPDATES` below is what to ask Telegram for.
"""

from __future__ import annotations

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member", "message_reaction")
