"""Any server that speaks OpenAI's chat completions: a model of the operator's, near or far."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.classifiers.judges import Asked, JudgeSettings, JudgeUnclear
from engine.classifiers.judges.local import share_of_refusal
from engine.classifiers.judges.wording import ALLOW, EXAMPLES, POLICY, REFUSE, example_question, question_of
from engine.errors import ConfigError

_MAX_ANSWER_BYTES = 1 << 20


class EndpointJudge:
    """`POST {url}/chat/completions` with one token and its alternatives; servers without those are believed their word."""

    def __init__(self, *, url: str, model: str, key: str, seconds: float) -> None:
        self._url = url.rstrip("/") + "/chat/completions"
        self._model = model
        self._key = key
        self._seconds = seconds

    @classmethod
    def load(cls, settings: JudgeSettings) -> EndpointJudge:
        """Raises ConfigError where address, model or key file are missing."""
        if urlsplit(settings.url).scheme not in {"http", "https"} or not settings.model:
            raise ConfigError('[policy] judge = "endpoint" needs judge_url (http or https) and judge_model')
        try:
            key = Path(settings.key_file).read_text(encoding="utf-8").strip() if settings.key_file else ""
        except OSError as error:
            raise ConfigError("[policy] judge_key_file cannot be read") from error
        return cls(url=settings.url, model=settings.model, key=key, seconds=settings.seconds)

    def score(self, asked: Asked) -> float:
        """Raises JudgeUnclear for every answer that is none, also for errors of the server and of the network."""
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked when it was loaded
            self._url, data=json.dumps(self._question(asked)).encode(), headers=self._headers(), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=self._seconds) as reply:  # noqa: S310 - as above
                return _score_of(json.loads(reply.read(_MAX_ANSWER_BYTES)))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise JudgeUnclear from error

    def _headers(self) -> dict[str, str]:
        key = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return {"Content-Type": "application/json", **key}

    def _question(self, asked: Asked) -> dict[str, Any]:
        messages = [{"role": "system", "content": POLICY}]
        for caption, word in EXAMPLES:
            messages.append({"role": "user", "content": example_question(caption)})
            messages.append({"role": "assistant", "content": word})
        messages.append({"role": "user", "content": question_of(asked)})
        return {
            "model": self._model,
            "messages": messages,
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": 10,
        }


def _score_of(answer: Any) -> float:
    try:
        choice = answer["choices"][0]
        said = (choice.get("logprobs") or {}).get("content") or []
        if said:
            return share_of_refusal([(str(t["token"]), float(t["logprob"])) for t in said[0]["top_logprobs"]])
        word = str(choice["message"]["content"]).strip().upper()
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise JudgeUnclear from error
    if word and REFUSE.startswith(word[: len(REFUSE)]):
        return 1.0
    if word and ALLOW.startswith(word[: len(ALLOW)]):
        return 0.0
    raise JudgeUnclear
