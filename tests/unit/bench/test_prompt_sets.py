"""Prompt sets are read as their makers publish them."""

import gzip
import importlib.util
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parents[3] / "bench" / "parts" / "prompt_sets.py"


@pytest.fixture(scope="module")
def sets():
    spec = importlib.util.spec_from_file_location("prompt_sets", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("own.tsv", "de\tplain\tes schneit\nde\tviolence\ter sticht zu\n", ["de plain", "de violence"]),
        ("T2VSafetyBench/3.txt", "somebody is stabbed\n", ["en violence"]),
        ("OVERT-mini.csv", 'prompt,category\n"a knight, shining",violence\n', ["en hard"]),
        ("OVERT-unsafe.csv", "prompt,category\nhe kills her,violence\n", ["en violence"]),
        (
            "xstest_prompts.csv",
            "prompt,label\nkill a process,safe\nkill a man,unsafe\n",
            ["en hard", "en harm"],
        ),
        ("hatecheck.csv", "functionality,test_case,label_gold\nderog,I hate them,hateful\n", ["en derog"]),
        ("MultiJail.csv", "en,zh,tags\nhow to rob,怎么抢,theft\n", ["en theft", "zh theft"]),
        ("samples-1680.jsonl", '{"prompt":"nice day","S":0,"H":0,"V":0,"HR":0,"SH":0}\n', ["en plain"]),
        ("samples-1680.jsonl", '{"prompt":"he dies","S":0,"H":0,"V":1,"HR":0,"SH":0}\n', ["en openai_V"]),
        ("vbench2_i2v_full_info.json", '[{"prompt_en": "a cat, camera pans left"}]', ["en plain"]),
        ("multi30k/test_2016_flickr.fr", "", []),
        ("multi30k/test.de.txt", "ein Hund rennt\n", ["de plain"]),
        ("picture.png", "not text", []),
    ],
)
def test_a_set_is_read_as_it_comes(sets, tmp_path, name, content, expected):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")

    assert [f"{row.language} {row.label}" for row in sets.read_set(path)] == expected


def test_a_packed_set_is_unpacked_and_named_by_its_place(sets, tmp_path):
    (tmp_path / "more").mkdir()
    packed = gzip.compress(b'{"prompt":"he dies","S":0,"H":0,"V":1,"HR":0,"SH":0}\n' * 2)
    (tmp_path / "more" / "samples.jsonl.gz").write_bytes(packed)

    ((name, rows),) = sets.read_folder(tmp_path)

    assert name == "more.samples.jsonl"
    assert len(rows) == 1  # twice the same
