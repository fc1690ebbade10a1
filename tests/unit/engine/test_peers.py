"""The engine's own socket is its owner's, whatever its mode has become."""

import asyncio
import os
import sys
import textwrap

import pytest

from tests.unit.engine.conftest import House, OpenHouse

KNOCK = """
    import os, socket, sys
    os.setgroups([])
    os.setuid(65534)
    knock = socket.socket(socket.AF_UNIX)
    knock.connect(sys.argv[1])
    knock.sendall(b"GET /status HTTP/1.1\\r\\nHost: engine\\r\\nConnection: close\\r\\n\\r\\n")
    print(knock.makefile("rb").readline().decode())
"""


async def test_the_owner_is_let_in(house: House) -> None:
    async with house.http.get("/status") as answer:
        assert answer.status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_another_user_is_not_even_where_the_mode_lets_him(house: House) -> None:
    house.socket.chmod(0o666)
    for folder in (house.socket.parent, house.socket.parent.parent, house.socket.parent.parent.parent):
        folder.chmod(0o711)

    knocking = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(KNOCK), str(house.socket), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await knocking.communicate()

    assert b" 401 " in said


async def test_strange_bytes_in_place_of_a_token_are_a_wrong_token(open_house: OpenHouse) -> None:
    async with open_house() as house:
        house.door.token = "a-token-of-sixteen"
        reader, writer = await asyncio.open_unix_connection(str(house.socket))
        writer.write(
            b"GET /status HTTP/1.1\r\nHost: e\r\nAuthorization: Bearer \xff\xfe\xc3\x28\r\nConnection: close\r\n\r\n"
        )
        answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 401")
