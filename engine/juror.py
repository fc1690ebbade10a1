"""What runs in the judge's child: one language model, loaded once, and one caption after another."""

from __future__ import annotations

from engine.children import Link, error_place
from engine.classifiers.judges import Asked
from engine.classifiers.judges.choice import load_judge
from engine.errors import ConfigError
from engine.judging import JudgeReady, JudgeStart, JudgeUnusable, NoWord, Word


def main(link: Link) -> None:
    """Load the judge, then answer until the engine hangs up."""
    start: JudgeStart = link.receive(JudgeStart)
    try:
        judge = load_judge(start.settings, start.models)
    except ConfigError as error:
        link.send(JudgeUnusable(str(error)))
        return
    link.send(JudgeReady())
    while True:
        asked: Asked = link.receive(Asked)
        try:
            link.send(Word(judge.score(asked)))
        except Exception as error:  # noqa: BLE001 - a judge that raises has said nothing, and nothing is no yes
            link.send(NoWord(error_place(error)))
