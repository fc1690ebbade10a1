"""Telegram's front door: passes connections on, and may be killed. What it leads to remembers everything.

`python tests/faults/front.py LISTEN TARGET`, both ports of loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def main(listen: int, target: int) -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            behind = await asyncio.open_connection("127.0.0.1", target)
            await asyncio.gather(pass_on(reader, behind[1]), pass_on(behind[0], writer))

    server = await asyncio.start_server(meet, "127.0.0.1", listen, reuse_address=True)
    await server.serve_forever()


async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
    finally:
        sink.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
