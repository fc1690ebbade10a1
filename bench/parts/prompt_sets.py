"""Readers of prompt sets: our own, and the common public ones from a folder, whatever they call their columns.

A file is `*.tsv` or `*.csv` with a header, `*.jsonl`, `*.json` (a list of objects) or `*.txt` (a prompt a line); `.gz` is
unpacked. What a set is, its columns say, else its name or its folder's: T2VSafetyBench's numbered files hold harm, VBench's,
Multi30k's and COCO's captions none. Known by their columns: OpenAI's moderation set, OVERT, XSTest, HateCheck (also
multilingual), MultiJail, XSafety, I2P, Adversarial Nibbler, AILuminate.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEXT = ("caption", "prompt", "prompt_en", "text", "test_case", "prompt_text", "question", "sentence")
LABEL = ("label", "label_gold", "final_label", "is_unsafe", "unsafe", "safety_label", "type")
CATEGORY = ("category", "categories", "hazard", "functionality", "tags", "label_type")
LANGUAGE = ("language", "locale", "lang")
MULTILINGUAL = (
    "en",
    "zh",
    "it",
    "vi",
    "ar",
    "ko",
    "th",
    "bn",
    "sw",
    "jv",
    "de",
    "es",
    "fr",
    "hi",
    "ja",
    "pl",
    "pt",
    "ru",
    "tr",
)
"""Columns of sets that have one prompt in many languages (MultiJail, XSafety)."""
OPENAI_MODERATION = ("S", "H", "V", "HR", "SH", "S3", "H2", "V2")

T2V_SAFETY = {
    "1": "pornography", "2": "borderline", "3": "violence", "4": "gore", "5": "disturbing", "6": "public_figures",
    "7": "discrimination", "8": "political", "9": "copyright", "10": "illegal", "11": "misinformation",
    "12": "sequential", "13": "dynamic", "14": "contextual",
}  # fmt: skip
SAFE_NAMES = re.compile(
    r"vbench|multi30k|coco|consisid|opens2v|evalcrafter|fetv|parti|moviegen|benign|plain|safe(?!ty)|captions",
    re.IGNORECASE,
)
HARM_NAMES = re.compile(
    r"unsafe|harm|jailbreak|multijail|t2vsafety|i2p|ring.?a.?bell|nibbler|hatecheck|ailuminate|xsafety|violat|nsfw",
    re.IGNORECASE,
)
HARD_NAMES = re.compile(r"overt(?!.*unsafe)|xstest|hard|over.?refus", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """`label` is `plain`, `hard` (benign, but sounding harmful) or what harm it is."""

    language: str
    label: str
    text: str

    @property
    def kind(self) -> str:
        return self.label if self.label in {"plain", "hard"} else "violating"


def read_folder(folder: Path) -> Iterator[tuple[str, list[Row]]]:
    """Every set below the folder, by its name; files without prompts are passed over."""
    for path in sorted(it for it in folder.rglob("*") if it.is_file()):
        rows = list(dict.fromkeys(read_set(path)))
        if rows:
            yield str(path.relative_to(folder).with_suffix("")).replace("/", "."), rows


def read_set(path: Path) -> Iterator[Row]:
    """Rows of one file; none of a kind of file that is not known."""
    name = path.name.removesuffix(".gz")
    read = {"tsv": _read_tsv, "csv": _read_csv, "jsonl": _read_jsonl, "json": _read_json, "txt": _read_txt}
    reader = read.get(name.rsplit(".", maxsplit=1)[-1].lower())
    if reader is None:
        return
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    for fields in reader(text):
        yield from _rows(fields, path)


def _read_tsv(text: str) -> Iterator[Mapping[str, Any]]:
    """With a header, or ours: language, label, caption."""
    first = text.split("\n", maxsplit=1)[0].split("\t")
    if any(name.strip().lower() in TEXT for name in first):
        yield from csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
        return
    for line in filter(None, text.splitlines()):
        language, label, caption = line.split("\t")
        yield {"language": language, "label": label, "caption": caption}


def _read_csv(text: str) -> Iterator[Mapping[str, Any]]:
    yield from csv.DictReader(io.StringIO(text, newline=""))


def _read_jsonl(text: str) -> Iterator[Mapping[str, Any]]:
    yield from (json.loads(line) for line in text.splitlines() if line.strip())


def _read_json(text: str) -> Iterator[Mapping[str, Any]]:
    found = json.loads(text)
    for it in found if isinstance(found, list) else ():
        yield it if isinstance(it, dict) else {"caption": it}


def _read_txt(text: str) -> Iterator[Mapping[str, Any]]:
    yield from ({"caption": line.strip()} for line in text.splitlines() if line.strip())


def _rows(fields: Mapping[str, Any], path: Path) -> Iterator[Row]:
    lower = {str(key).strip().lower(): value for key, value in fields.items() if key}
    label = _label(fields, lower, path)
    text = _first(lower, TEXT)
    if isinstance(text, str) and text.strip():
        language = str(_first(lower, LANGUAGE) or _language_of(path))[:2].lower()
        yield Row(language, label, " ".join(text.split()))
        return
    for language in MULTILINGUAL:
        if isinstance(translated := lower.get(language), str) and translated.strip():
            yield Row(language, label, " ".join(translated.split()))


def _label(fields: Mapping[str, Any], lower: Mapping[str, Any], path: Path) -> str:
    """`plain`, `hard`, or the category of harm."""
    if all(name in fields or name in {"S3", "H2", "V2"} for name in OPENAI_MODERATION) and "S" in fields:
        return next((f"openai_{name}" for name in OPENAI_MODERATION if fields.get(name)), "plain")
    said = str(_first(lower, LABEL) or "").strip().lower()
    category = str(_first(lower, CATEGORY) or "").strip().lower().replace(" ", "_")
    if said in {"plain", "hard"}:
        return said
    if said in {"1", "true", "unsafe", "harmful", "hateful", "violating"}:
        return category or "harm"
    if said in {"0", "false", "safe", "benign", "non-hateful", "harmless"}:
        return "hard"
    if said and any(code.isalpha() for code in said) and _first(lower, TEXT) and "label" in lower:
        return said
    if "xstest" in path.name.lower():
        return "harm" if said.startswith("contrast") else "hard"
    return _label_of(path, category)


def _label_of(path: Path, category: str) -> str:
    """What the names of file and folder say; a set that says nothing is taken for harm, as the strictest reading."""
    where = "/".join(path.parts[-3:])
    if "t2vsafety" in where.lower() and path.stem in T2V_SAFETY:
        return T2V_SAFETY[path.stem]
    if HARM_NAMES.search(where):
        return category or "harm"
    if HARD_NAMES.search(where):
        return "hard"
    return "plain" if SAFE_NAMES.search(where) else (category or "harm")


def _language_of(path: Path) -> str:
    """`test_2016.de`, `captions_fr.txt`; English where the name says nothing."""
    found = re.search(r"[._-](ar|de|en|es|fa|fr|hi|id|it|pl|pt|ru|tr|uk|zh)\b", path.name.lower())
    return found.group(1) if found else "en"


def _first(lower: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((lower[name] for name in names if lower.get(name) not in {None, ""}), None)
