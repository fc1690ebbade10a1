"""Puts the bot together: its services, ONE table of handlers in order, its start and its stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from telegram import LinkPreviewOptions, Update
from telegram.constants import ParseMode
from telegram.error import InvalidToken, NetworkError, TelegramError
from telegram.ext import (
    Application,
    ApplicationBuilder,
    BaseHandler,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    Defaults,
    ExtBot,
    MessageHandler,
    MessageReactionHandler,
    TypeHandler,
)

from bot import identities
from bot.arrivals import Arrivals
from bot.chores import PROGRESS_SECONDS, PRUNE_SECONDS, STORIES_SECONDS, Chores, every
from bot.config import Config, TelegramAddress
from bot.database import Database
from bot.delivery import Delivery
from bot.inbox import DurableQueue, Inbox
from bot.lanes import Lanes
from bot.limiter import Limiter, Manner
from bot.notes import Notes
from bot.outbox import DurableOutbox
from bot.outcomes import follow_outcomes
from bot.polling import UNKNOWN_BOT, PollRequest, start_polling
from bot.store import SqliteStore
from bot.web import serving
from bot.webhook import Webhook
from engine import logs
from engine.client import EngineClient
from engine.errors import ConfigError
from handlers import (
    ALLOWED_UPDATES,
    account,
    cancel,
    errors,
    filters,
    groups,
    help,  # noqa: A004  # the module is named for the command
    once_more,
    operators,
    outcome,
    photo,
    press,
    share,
    status,
    story,
    verify,
)
from handlers.context import Context, EngineOutcome, Services
from handlers.pace import Pace

log = logs.get(__name__)

STOP_SECONDS = 6.0
"""How long handlers, and then what is being said, may take to finish after a stop was asked for."""

Table = tuple[tuple[BaseHandler[Any, Context, Any], ...], ...]
App = Application[ExtBot[Manner], Context, dict[Any, Any], dict[Any, Any], dict[Any, Any], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything of the process that has a life of its own."""

    application: App
    poll: PollRequest
    queue: DurableQueue
    lanes: Lanes
    inbox: Inbox
    outbox: DurableOutbox
    arrivals: Arrivals
    chores: Chores
    engine: EngineClient
    webhook: Webhook | None


async def run(config: Config, telegram: TelegramAddress, *, stop: asyncio.Event) -> None:
    """Run the bot until `stop` is set. Raises ConfigError when it cannot start, or Telegram refuses the token."""
    async with open_parts(config, telegram) as parts:
        try:
            if await _unless(stop, _start(parts)):
                log.info("bot started", username=parts.application.bot.username)
                await _live(parts, stop)
        finally:
            log.info("bot is stopping")
            await _stop(parts)


@asynccontextmanager
async def open_parts(config: Config, telegram: TelegramAddress) -> AsyncIterator[Parts]:
    """The bot's parts over one data folder. Raises ConfigError when another bot has it."""
    now = time.time
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(config.data / "bot.sqlite"))
        engine = await stack.enter_async_context(EngineClient(config.engine_address()))
        inbox = Inbox(database, now=now)
        queue, lanes, poll = DurableQueue(inbox), Lanes(inbox), PollRequest()
        application = build_application(telegram, queue=queue, lanes=lanes, poll=poll, table=handler_table())
        rules, notes = config.rules(), Notes(database, now=now)
        arrivals = Arrivals(
            application.bot,
            wanted=config.bot.check_delivery,
            operator_chat_id=rules.operator_chat_id,
            now=now,
        )
        delivery = Delivery(application.bot, engine, as_documents=config.bot.deliver_as == "document")
        outbox = DurableOutbox(notes, delivery, engine, rules, now=now, arrivals=arrivals)
        store = SqliteStore(database, now=now)
        keyed = identities.KeyedIdentities(identities.load_secret(config.data / "bot.secret"))
        services = Services(
            engine=engine,
            store=store,
            outbox=outbox,
            identities=keyed,
            rules=rules,
            verifying=Pace(most=rules.verify_per_hour, seconds=3600.0, now=time.monotonic),
            now=now,
        )
        application.bot_data[Context.SERVICES] = services
        webhook = None
        if config.telegram.webhook_url:
            webhook = Webhook(config.telegram, application.bot, queue)
        await stack.enter_async_context(serving(config.web, engine=engine, pace=services.verifying))
        yield Parts(
            application=application,
            poll=poll,
            queue=queue,
            lanes=lanes,
            inbox=inbox,
            outbox=outbox,
            arrivals=arrivals,
            chores=Chores(services, store),
            engine=engine,
            webhook=webhook,
        )


def build_application(
    telegram: TelegramAddress, *, queue: DurableQueue, lanes: Lanes, poll: PollRequest, table: Table
) -> App:
    """PTB's application with our queue, lanes, limits and handlers. The groups of the table count from -2."""
    application: App = (
        ApplicationBuilder()
        .token(telegram.token)
        .base_url(telegram.base_url)
        .base_file_url(telegram.base_file_url)
        .context_types(ContextTypes(context=Context))
        .defaults(_defaults())
        .rate_limiter(Limiter())
        .update_queue(queue)
        .concurrent_updates(lanes)
        .job_queue(None)
        .get_updates_request(poll)
        .connection_pool_size(64)
        .connect_timeout(10)
        .read_timeout(30)
        .write_timeout(30)
        .pool_timeout(10)
        .media_write_timeout(120)
        .build()
    )
    lanes.attach(application)
    application.add_error_handler(errors.on_error)
    for group, handlers in enumerate(table, start=-2):
        application.add_handlers(handlers, group=group)
    return application


def handler_table() -> Table:
    """Every handler, in order: groups -2, -1 and 0. PTB runs the first match of each group."""
    new = filters.NEW_MESSAGE
    return (
        (TypeHandler(Update, account.speak_their_language),),
        (MessageHandler(filters.ANY_GROUP_MESSAGE, groups.saw_somebody),),
        (
            TypeHandler(EngineOutcome, outcome.tell),
            ChatMemberHandler(groups.membership_changed, ChatMemberHandler.MY_CHAT_MEMBER),
            MessageHandler(filters.MIGRATED, groups.migrated),
            MessageHandler(filters.GROUP_CHOSEN, share.group_chosen),
            CommandHandler("start", help.start, filters=new),
            CommandHandler("help", help.show_help, filters=new),
            CommandHandler("status", status.show_status, filters=new),
            CommandHandler("cancel", cancel.cancel_all, filters=new),
            CommandHandler("queue", operators.show_queue, filters=new),
            CommandHandler("stats", operators.show_stats, filters=new),
            CommandHandler("pause", operators.pause, filters=new),
            CommandHandler("resume", operators.resume, filters=new),
            CommandHandler("privacy", account.show_privacy, filters=new),
            CommandHandler("mydata", account.send_data, filters=new),
            CommandHandler("forget", account.ask_to_forget, filters=new),
            CommandHandler("settings", account.show_settings, filters=new),
            CommandHandler("stories", story.list_stories, filters=new),
            MessageHandler(filters.ASKS_TO_VERIFY, verify.asked),
            MessageHandler(filters.ASKS_FOR_CLIP, photo.asked),
            MessageHandler(filters.PRIVATE_VIDEO, verify.asked),
            MessageHandler(filters.PRIVATE_PHOTO, photo.received),
            MessageHandler(filters.ANSWERS_US, once_more.answered),
            MessageHandler(filters.PRIVATE_OTHER, help.not_a_photo),
            CallbackQueryHandler(press.pressed),
            MessageReactionHandler(
                story.reacted,
                message_reaction_types=MessageReactionHandler.MESSAGE_REACTION_UPDATED,
            ),
        ),
    )


async def _start(parts: Parts) -> None:
    """PTB, then what an earlier process left, then new updates. Waits for Telegram as long as it takes."""
    application = parts.application
    await _say_hello(application)
    await application.start()
    log.info("replaying what was left", updates=await parts.queue.replay(application.bot))
    await parts.outbox.start()
    if parts.webhook is not None:
        await parts.webhook.open()
        await parts.webhook.register(ALLOWED_UPDATES)
    else:
        assert application.updater is not None
        await start_polling(application.updater, ALLOWED_UPDATES)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work, but not past a stop; false when the stop came first."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        await working  # raises what it raised
        return True
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return False


async def _live(parts: Parts, stop: asyncio.Event) -> None:
    """The loops that run beside PTB. One that fails ends the process, so that the supervisor starts it anew."""
    chores = parts.chores
    try:
        async with asyncio.TaskGroup() as group:
            loops = (
                follow_outcomes(parts.engine, parts.inbox, parts.queue),
                parts.outbox.acknowledgements.run(),
                parts.arrivals.run(parts.outbox),
                every(PROGRESS_SECONDS, chores.show_progress),
                every(STORIES_SECONDS, chores.end_stories),
                every(STORIES_SECONDS, chores.show_hearts),
                every(PRUNE_SECONDS, chores.prune),
                introduce(parts.application.bot),
                parts.webhook.watch() if parts.webhook is not None else parts.poll.watch(),
            )
            tasks = [group.create_task(loop) for loop in loops]
            await stop.wait()
            for task in tasks:
                task.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the others failed because of it, or did not fail at all


async def _stop(parts: Parts) -> None:
    """Take nothing new, finish what is going on within the deadline; the rest is on disk."""
    application = parts.application
    if parts.webhook is not None:
        await parts.webhook.close()
    if application.updater is not None and application.updater.running:
        try:
            await application.updater.stop()
        except TelegramError as error:  # what ended the poller; it is reported where it matters
            log.info("polling had ended before", why=type(error).__name__)
    await parts.lanes.close(seconds=STOP_SECONDS)
    if application.running:
        await application.stop()
    await parts.outbox.stop(seconds=STOP_SECONDS)
    await application.shutdown()


async def _say_hello(application: App) -> None:
    """The first call to Telegram, again and again until it is reached. Raises ConfigError for a bad token."""
    pause = 1.0
    while True:
        try:
            return await application.initialize()
        except InvalidToken:
            raise ConfigError(UNKNOWN_BOT) from None  # the cause holds the token
        except NetworkError as error:
            log.warning("Telegram cannot be reached; trying on", why=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(2 * pause, 30.0)


async def introduce(bot: ExtBot[Manner]) -> None:
    """Tell Telegram our commands, and the operator what the bot can see in groups."""
    sees_all = bot.bot.can_read_all_group_messages
    log.info(
        "in groups the bot sees every message"
        if sees_all
        else "in groups the bot sees commands and replies only (privacy mode is on, as it should be)"
    )
    for menu in help.command_menus():
        try:
            # "" would be sent as "[]" by PTB 22.8 with Defaults, and everybody without a language would have no menu.
            await bot.set_my_commands(
                menu.commands, scope=menu.scope, language_code=menu.language_code or None
            )
        except TelegramError as error:
            log.warning("a menu of commands was not set", why=type(error).__name__)
    for language, text in help.descriptions().items():
        try:
            # Asked first: Telegram lets a description be set only so often.
            if (await bot.get_my_description(language_code=language or None)).description != text:
                await bot.set_my_description(text, language_code=language or None)
        except TelegramError as error:
            log.warning("a description was not set", why=type(error).__name__)


def _defaults() -> Defaults:
    return Defaults(
        parse_mode=ParseMode.HTML,
        allow_sending_without_reply=True,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )
