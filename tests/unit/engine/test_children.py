import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from engine import logs
from engine.children import Child, ChildGone, Limits


class Say(msgspec.Struct, frozen=True, tag_field="type", tag="say"):
    data: bytes = b""
    path: Path = Path("nowhere")


class Said(msgspec.Struct, frozen=True, tag_field="type", tag="said"):
    data: bytes = b""
    path: Path = Path("nowhere")


class Facts(msgspec.Struct, frozen=True, tag_field="type", tag="facts"):
    environment: dict[str, str]
    descriptors: int
    group: int
    core_bytes: int
    privileges: str
    arguments: list[str]


CHILD = """
    import os, resource, signal, sys, time
    from pathlib import Path
    import msgspec

    class Say(msgspec.Struct, frozen=True, tag_field="type", tag="say"):
        data: bytes = b""
        path: Path = Path("nowhere")

    class Said(msgspec.Struct, frozen=True, tag_field="type", tag="said"):
        data: bytes = b""
        path: Path = Path("nowhere")

    class Facts(msgspec.Struct, frozen=True, tag_field="type", tag="facts"):
        environment: dict[str, str]
        descriptors: int
        group: int
        core_bytes: int
        privileges: str
        arguments: list[str]
"""


@pytest.fixture
def child_module(tmp_path, monkeypatch):
    """Write a module that a child can import: what `main(link)` does is the test's own story."""
    monkeypatch.chdir(tmp_path)

    def write(body: str) -> str:
        story = textwrap.indent(textwrap.dedent(body), "    ")
        (tmp_path / "story.py").write_text(textwrap.dedent(CHILD) + f"\ndef main(link):\n{story}")
        return "story"

    return write


async def test_bytes_and_paths_go_both_ways(child_module):
    child = await Child.start(
        child_module("said = link.receive(Say)\nlink.send(Said(said.data[::-1], said.path / 'x'))"),
        name="echo",
    )

    await child.send(Say(bytes(range(256)) * 20_000, Path("/a")))
    said = await child.receive(Said)
    await child.close()

    assert said == Said((bytes(range(256)) * 20_000)[::-1], Path("/a/x"))


async def test_a_child_has_no_secrets_no_descriptors_and_a_group_of_its_own(child_module, monkeypatch):
    monkeypatch.setenv("BOT_TOKEN", "123456:secret")
    kept_open = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(kept_open, True)
    child = await Child.start(
        child_module("""
            link.send(Facts(
                dict(os.environ), len(os.listdir("/proc/self/fd")) - 1, os.getpgid(0),
                resource.getrlimit(resource.RLIMIT_CORE)[1],
                Path("/proc/self/status").read_text().split("NoNewPrivs:")[1].split()[0], sys.argv))
        """),
        name="facts",
        environment={"CUDA_VISIBLE_DEVICES": "1"},
    )
    facts = await child.receive(Facts)
    await child.close()
    os.close(kept_open)

    assert "secret" not in repr(facts)
    assert not {"PATH", "HOME", "BOT_TOKEN", "PYTHONPATH"} & set(facts.environment)
    assert facts.environment["CUDA_VISIBLE_DEVICES"] == "1"
    assert facts.environment["OPENBLAS_NUM_THREADS"] == "1"
    assert facts.descriptors == 4  # stdin, stdout, stderr, the socket
    assert facts.group == child.pid
    assert facts.core_bytes == 0
    assert facts.privileges == "1"


async def test_what_libraries_print_does_not_disturb_the_messages(child_module):
    child = await Child.start(
        child_module("print('noise', flush=True)\nos.system('echo more noise')\nlink.send(Said(b'clear'))"),
        name="noisy",
    )

    assert await child.receive(Said) == Said(b"clear")
    await child.close()


@pytest.mark.parametrize(
    ("story", "exit_code"),
    [
        ("os._exit(7)", 7),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("raise ValueError('a secret prompt')", 1),
        ("import no_such_module", 1),
        ("return", 0),
    ],
)
async def test_the_engine_learns_how_a_child_ended(child_module, story, exit_code):
    child = await Child.start(child_module(story), name="ending")

    with pytest.raises(ChildGone) as gone:
        await child.receive(Said)

    assert gone.value.exit_code == exit_code
    assert not child.alive


@pytest.fixture
def log_lines(monkeypatch):
    monkeypatch.setattr(
        "engine.children.child.log", logs.get("fresh")
    )  # the module's own may be bound already
    with capture_logs() as lines:
        yield lines


async def test_the_log_says_where_a_child_crashed_but_not_what_it_said(child_module, log_lines):
    child = await Child.start(child_module("raise ValueError('a secret prompt')"), name="secretive")

    with pytest.raises(ChildGone):
        await child.receive(Said)

    (line,) = log_lines
    (place,) = line["crashed_at"]
    assert (line["event"], line["child"], line["exit_code"]) == ("child ended", "secretive", 1)
    assert place.startswith("ValueError: ")
    assert "story.py" in place
    assert "secret prompt" not in repr(line)


async def test_the_log_shows_the_python_lines_of_a_segfault(child_module, log_lines):
    child = await Child.start(child_module("import ctypes\nctypes.string_at(0)"), name="segfault")

    with pytest.raises(ChildGone):
        await child.receive(Said)

    assert any("story.py" in place and place.endswith("in main") for place in log_lines[0]["crashed_at"])


@pytest.mark.parametrize(
    "story",
    [
        "link._connection.sendall(b'\\xff\\xff\\xff\\xff' + b'x' * 10)",
        "link._connection.sendall(b'\\0\\0\\0\\3abc')",
        "link.send(Say())",
    ],
    ids=["a frame of 4 GB", "not msgpack", "an unexpected message"],
)
async def test_a_child_that_breaks_the_protocol_is_killed(child_module, story, monkeypatch):
    monkeypatch.setattr("engine.children.child._DYING_SECONDS", 0.1)
    child = await Child.start(child_module(f"{story}\ntime.sleep(60)"), name="liar")

    with pytest.raises(ChildGone):
        await child.receive(Said)

    assert not child.alive


async def test_sending_to_a_dead_child_says_so(child_module):
    child = await Child.start(child_module("os._exit(0)"), name="dead")
    await ended(child.pid)

    with pytest.raises(ChildGone):
        await child.send(Say(bytes(10_000_000)))


async def test_a_child_ends_when_asked(child_module):
    child = await Child.start(child_module("link.receive(Say)"), name="polite")

    await child.close(grace_seconds=20)

    assert child._process.returncode == 0


async def test_a_child_that_will_not_end_is_killed_with_its_children(child_module):
    child = await Child.start(
        child_module("""
            import subprocess
            sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            link.send(Said(str(sleeper.pid).encode()))
            time.sleep(60)
        """),
        name="stubborn",
    )
    grandchild = int((await child.receive(Said)).data)

    await child.close(grace_seconds=0.1)

    assert child._process.returncode == -signal.SIGKILL
    await ended(grandchild)


async def ended(pid: int) -> None:
    """Wait until the process has ended; nobody tells us of a process that is not our child."""
    async with asyncio.timeout(10):
        while is_running(pid):
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


async def test_a_child_dies_with_the_engine(child_module, tmp_path):
    module = child_module("link.send(Said(str(os.getpid()).encode()))\ntime.sleep(60)")
    engine = f"""
        import asyncio, msgspec
        from engine.children import Child
        from story import Said
        async def main():
            child = await Child.start({module!r}, name="orphan")
            print((await child.receive(Said)).data.decode(), flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", textwrap.dedent(engine)), cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    orphan = int(await parent.stdout.readline())

    parent.kill()
    await parent.wait()

    await ended(orphan)


@pytest.mark.parametrize(
    ("limits", "story"),
    [
        (Limits(cpu_seconds=1), "while True: pass"),
        (Limits(address_space_bytes=600_000_000), "bytes(700_000_000)"),
        (Limits(open_files=8), "[open('/dev/null') for _ in range(9)]"),
        (Limits(file_size_bytes=0), "open('out', 'wb', buffering=0).write(b'x')"),
    ],
    ids=["cpu", "memory", "descriptors", "files"],
)
async def test_limits_hold(child_module, limits, story):
    child = await Child.start(child_module(story), name="greedy", limits=limits)

    with pytest.raises(ChildGone) as gone_child:
        await child.receive(Said)

    assert gone_child.value.exit_code != 0


async def test_an_isolated_child_sees_only_installed_packages(child_module):
    child = await Child.start(child_module("link.send(Said())"), name="isolated", isolated=True)

    with pytest.raises(ChildGone):
        await child.receive(Said)


async def test_the_memory_of_a_child_is_known(child_module):
    child = await Child.start(
        child_module("kept = bytes(50_000_000)\nlink.send(Said())\nlink.receive(Say)"), name="big"
    )
    await child.receive(Said)

    assert child.resident_bytes > 10_000_000
    await child.kill()
    assert child.resident_bytes == 0
