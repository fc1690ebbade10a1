"""Brings updates to a bot's webhook as Telegram does: one after the other, again until it says that it has them."""

from __future__ import annotations

import asyncio

import aiohttp

from bot.playground.botapi import BotApi

AGAIN_SECONDS = 0.25
LOOK_SECONDS = 0.05


async def bring(api: BotApi) -> None:
    """Returns never."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        while True:
            updates = api.world.updates
            update = updates.next_to_bring()
            if update is None:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            headers = {"X-Telegram-Bot-Api-Secret-Token": updates.webhook_secret}
            try:
                async with http.post(updates.webhook_url, json=update, headers=headers) as answer:
                    brought = answer.status < 300
                    updates.webhook_error = (
                        "" if brought else f"Wrong response from the webhook: {answer.status}"
                    )
            except (aiohttp.ClientError, TimeoutError):
                brought, updates.webhook_error = False, "Connection refused"
            if brought:
                updates.brought(update["update_id"])
            else:
                await asyncio.sleep(AGAIN_SECONDS)
