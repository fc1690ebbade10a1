"""A closed child, and what it gets when it tries."""

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest

from engine.children import Child, Sandbox, Warm
from engine.children.sandbox import everything_but, support

pytestmark = pytest.mark.skipif(bool(support().missing), reason="; ".join(support().missing))


class Tried(msgspec.Struct, frozen=True, tag_field="type", tag="tried"):
    told: dict[str, str]


STORY = """
    import ctypes, os, signal, socket, subprocess, sys, threading
    from pathlib import Path
    import msgspec

    class Tried(msgspec.Struct, frozen=True, tag_field="type", tag="tried"):
        told: dict[str, str]

    def tried(**ways):
        told = {}
        for name, way in ways.items():
            try:
                told[name] = str(way())
            except BaseException as error:
                told[name] = type(error).__name__
        return Tried(told)

    libc = ctypes.CDLL(None, use_errno=True)

    def called(number, *arguments):
        result = libc.syscall(number, *arguments)
        return "done" if result >= 0 else os.strerror(ctypes.get_errno())
"""


@pytest.fixture
def trying(tmp_path, monkeypatch):
    """Start a child under `sandbox` whose whole story is one `tried(…)`; what came of it."""
    home = tmp_path / "code"
    home.mkdir()
    monkeypatch.chdir(home)

    async def start(ways: str, sandbox: Sandbox) -> dict[str, str]:
        lines = textwrap.dedent(STORY) + "\ndef main(link):\n"
        (home / "tries.py").write_text(lines + f"    link.send(tried({textwrap.dedent(ways)}))\n")
        readable = msgspec.structs.replace(sandbox, read=(*sandbox.read, str(home)))
        child = await Child.start("tries", name="tries", sandbox=readable)
        try:
            return (await child.ask(None, Tried, seconds=60)).told
        finally:
            await child.kill()

    return start


async def test_a_closed_child_reads_no_file_of_ours_and_writes_none(trying, tmp_path, monkeypatch):
    monkeypatch.setenv("BOT_TOKEN", "123456:secret")
    key, passwd = tmp_path / "signing.pem", Path("/etc/passwd")
    key.write_text("a secret key")

    told = await trying(
        f"""
        key=lambda: open({str(key)!r}).read(),
        passwd=lambda: open({str(passwd)!r}).read(),
        listed=lambda: os.listdir({str(tmp_path)!r}),
        engine=lambda: open("/proc/{os.getpid()}/environ", "rb").read(),
        memory=lambda: open("/proc/{os.getpid()}/mem", "rb").read(1),
        open_file=lambda: open("/proc/{os.getpid()}/fd/0"),
        parent_by_link=lambda: open(f"/proc/self/task/../../{os.getpid()}/environ", "rb").read(),
        written=lambda: open({str(tmp_path / "new")!r}, "w"),
        temporary=lambda: open("/tmp/zoetrope-was-here", "w"),
        removed=lambda: os.unlink({str(key)!r}),
        beside_code=lambda: open({str(Path(__file__))!r}).read(),
        environment=lambda: sorted(os.environ),
        code=lambda: open(msgspec.__file__).readable(),
        """,
        Sandbox(),
    )

    assert all(
        "THREADS" in name or name in {"LANG", "LC_CTYPE", "ORT_DISABLE_TELEMETRY"}
        for name in eval(told.pop("environment"))
    )
    assert told.pop("code") == "True"
    assert set(told.values()) == {"PermissionError"}, told
    assert key.read_text() == "a secret key"


async def test_a_closed_child_has_no_network(trying, tmp_path):
    inet = socket.create_server(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "engine.sock"))
    unix.listen()

    with inet, unix:
        told = await trying(
            f"""
            inet=lambda: socket.create_connection(("127.0.0.1", {inet.getsockname()[1]})),
            unix=lambda: socket.socket(socket.AF_UNIX).connect({str(tmp_path / "engine.sock")!r}),
            udp=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            ring=lambda: called(425, 1, bytes(120)),
            in_a_thread=lambda: (box := [], t := threading.Thread(target=lambda: box.append(called({41 if os.uname().machine == "x86_64" else 198}, 2, 1, 0))), t.start(), t.join(), box[0])[-1],
            """,
            Sandbox(),
        )

    assert told.pop("ring") == told.pop("in_a_thread") == "Operation not permitted"
    assert set(told.values()) == {"PermissionError"}, told


async def test_a_closed_child_touches_no_other_process_and_starts_none(trying):
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])  # noqa: ASYNC220  # it only sleeps

    told = await trying(
        f"""
        killed=lambda: os.kill({victim.pid}, signal.SIGKILL),
        engine=lambda: os.kill(os.getppid(), signal.SIGTERM),
        group=lambda: os.kill(-1, signal.SIGKILL),
        by_descriptor=lambda: os.pidfd_open({victim.pid}),
        forked=lambda: os.fork(),
        run=lambda: subprocess.run(["/bin/true"]),
        replaced=lambda: os.execv("/bin/true", ["true"]),
        traced=lambda: called({101 if os.uname().machine == "x86_64" else 117}, 16, {victim.pid}, 0, 0),
        looked_into=lambda: called({310 if os.uname().machine == "x86_64" else 270}, {victim.pid}, 0, 0, 0, 0, 0),
        """,
        Sandbox(),
    )
    alive = victim.poll() is None
    victim.kill()
    victim.wait()

    assert alive
    assert told.pop("traced") == told.pop("looked_into") == "Operation not permitted"
    assert set(told.values()) == {"PermissionError"}, told


async def test_a_closed_child_still_works_with_threads_itself_and_what_it_was_granted(trying, tmp_path):
    seen, out = tmp_path / "seen", tmp_path / "out"
    seen.mkdir()
    out.mkdir()
    (seen / "photo").write_text("a photo")

    told = await trying(
        f"""
        threads=lambda: (t := threading.Thread(target=print), t.start(), t.join())[-1],
        itself=lambda: os.kill(os.getpid(), 0),
        photo=lambda: open({str(seen / "photo")!r}).read(),
        changed=lambda: open({str(seen / "photo")!r}, "w"),
        written=lambda: Path({str(out / "clip")!r}).write_text("clip"),
        named=lambda: Path({str(out / "clip")!r}).rename({str(out / "named")!r}).name,
        privileges=lambda: Path("/proc/self/status").exists(),
        """,
        Sandbox(read=(str(seen),), write=(str(out),)),
    )

    assert told["threads"] == told["itself"] == "None"
    assert told["photo"] == "a photo"
    assert told["changed"] == "PermissionError"
    assert (told["written"], told["named"]) == ("4", "named")


async def test_programs_run_where_they_are_granted_and_are_closed_too(trying, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")

    told = await trying(
        f"""
        echo=lambda: subprocess.run(["/bin/echo", "hello"], capture_output=True).stdout,
        secret=lambda: subprocess.run(["/bin/cat", {str(secret)!r}], capture_output=True).stdout,
        engine=lambda: os.kill(os.getppid(), signal.SIGTERM),
        """,
        Sandbox(programs=True),
    )

    assert told == {"echo": "b'hello\\n'", "secret": "b''", "engine": "PermissionError"}


async def test_all_but_one_folder_can_be_granted(trying, tmp_path):
    data = tmp_path / "home" / "data"
    (data / "keys").mkdir(parents=True)
    (data / "keys" / "signing.pem").write_text("key")
    (tmp_path / "home" / "notes").write_text("notes")

    told = await trying(
        f"""
        notes=lambda: open({str(tmp_path / "home" / "notes")!r}).read(),
        key=lambda: open({str(data / "keys" / "signing.pem")!r}).read(),
        """,
        Sandbox(read=tuple(map(str, everything_but(data)))),
    )

    assert told == {"notes": "notes", "key": "PermissionError"}


async def test_a_fork_that_answers_is_as_closed_and_each_question_gets_a_new_one(tmp_path, monkeypatch):
    key = tmp_path / "signing.pem"
    key.write_text("a secret key")
    home = tmp_path / "code"
    home.mkdir()
    monkeypatch.chdir(home)
    (home / "forked.py").write_text(
        textwrap.dedent(STORY)
        + textwrap.dedent(
            f"""
            ask = []

            def answer(question):
                ask.append(question)
                return tried(
                    asked=lambda: len(ask),
                    key=lambda: open({str(key)!r}).read(),
                    socket=lambda: socket.socket(),
                    program=lambda: subprocess.run(["/bin/true"]),
                    fork=os.fork,
                    waiting=lambda: os.kill(os.getppid(), signal.SIGKILL),
                    descriptors=lambda: [n for n in range(3, 16) if os.fstat(n)],
                )
            """
        )
    )
    child = await Child.start("forked", name="forked", sandbox=Sandbox(read=(str(home),)), forks=True)
    await child.ask(None, Warm, seconds=60)

    told = [(await child.ask(Tried({}), Tried, seconds=60)).told for _ in range(2)]

    assert child.alive
    await child.kill()
    for answer in told:
        assert answer.pop("asked") == "1"
        assert answer.pop("descriptors") == "OSError", "the engine's socket is not in the fork"
        assert set(answer.values()) == {"PermissionError"}, answer
