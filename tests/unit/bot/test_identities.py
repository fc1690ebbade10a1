"""Opaque keys: the same for the same, another for every press, and useless without the secret."""

import re

import msgspec
import pytest

from bot.identities import KeyedIdentities, load_secret
from engine.errors import ConfigError
from engine.schema import JobId, OpaqueKey


def test_a_repeated_update_is_the_same_job_and_every_press_another_one():
    identities = KeyedIdentities(b"s" * 32)

    job = identities.job_id(5, 7)

    assert job == identities.job_id(5, 7)
    assert (
        len({job, identities.job_id(5, 8), identities.job_id(6, 7), identities.job_id(5, 7, "again:1")}) == 4
    )
    assert msgspec.convert(job, JobId) == job
    assert re.fullmatch(r".{14}8.{4}[89ab].{16}", job), "RFC 9562, version 8"


def test_a_person_is_not_the_group_with_the_same_number_nor_the_person_of_another_bot():
    mine, other = KeyedIdentities(b"s" * 32), KeyedIdentities(b"t" * 32)

    keys = {mine.requester(5), mine.group(5), other.requester(5), other.group(5)}

    assert len(keys) == 4
    assert all(msgspec.convert(key, OpaqueKey) == key for key in keys)


def test_the_secret_is_made_once_and_is_private(tmp_path):
    path = tmp_path / "data" / "bot.secret"

    first = load_secret(path)

    assert len(first) == 32
    assert load_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_secret_is_refused(tmp_path):
    path = tmp_path / "bot.secret"
    path.write_text("abc")

    with pytest.raises(ConfigError, match="not a secret"):
        load_secret(path)
