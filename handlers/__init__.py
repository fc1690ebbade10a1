"""What we do for each kind of update: one module per kind, plain coroutines, no policy.

`bot/app.py` registers these callbacks in this order (PTB runs the first match of a group; group -1 runs before
group 0 and never stops it). Updates are processed concurrently: an album needs it, and so does patience with
an engine that does not answer.

    group -1  MessageHandler(filters.ANY_GROUP_MESSAGE, groups.saw_somebody)
    group 0   TypeHandler(EngineOutcome, outcome.tell)
              ChatMemberHandler(groups.membership_changed, ChatMemberHandler.MY_CHAT_MEMBER)
              MessageHandler(filters.MIGRATED, groups.migrated)
              MessageHandler(filters.GROUP_CHOSEN, share.group_chosen)
              CommandHandler("start" | "help", help.start | help.show_help, filters=filters.NEW_MESSAGE)
              CommandHandler("status" | "cancel", status.show_status | cancel.cancel_all, filters=filters.NEW_MESSAGE)
              CommandHandler("stories", story.list_stories, filters=filters.NEW_MESSAGE)
              MessageHandler(filters.ASKS_FOR_CLIP, photo.asked)        # /animate or @bot: caption, reply, or bare
              MessageHandler(filters.PRIVATE_PHOTO, photo.received)     # photo or any document, private
              MessageHandler(filters.PRIVATE_OTHER, help.not_a_photo)   # anything else, private
              CallbackQueryHandler(press.pressed)                       # every button, by the table in press.py
              MessageReactionHandler(story.reacted)                     # counted, where the bot is an admin
    errors    errors.on_error

Everything else in a group, and edits, channel posts, guest and business messages, matches nothing.
`ALLOWED_UPDATES` below is what to ask Telegram for.
"""

from __future__ import annotations

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member", "message_reaction")
