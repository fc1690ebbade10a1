"""Who is at the other end of a Unix socket, by the word of the kernel (SO_PEERCRED)."""

from __future__ import annotations

import asyncio
import os
import socket
import struct

_CREDENTIALS = struct.Struct("iII")  # process, user, group
_ROOT = 0


def trusted(transport: asyncio.BaseTransport | None) -> bool:
    """A process of this user, or of root. The socket's mode says the same; this holds where somebody changed it.

    True for what is no Unix socket: there the bearer token decides.
    """
    connection = None if transport is None else transport.get_extra_info("socket")
    if connection is None or connection.family != socket.AF_UNIX:
        return connection is not None
    return user_of(connection) in {os.geteuid(), _ROOT}


def user_of(connection: socket.socket) -> int:
    given = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(given)[1]
    return user
