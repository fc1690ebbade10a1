"""What we call things: a sentence for every reason, problem and cause, a word for every motion.

The messages are English and marked for the catalogues; `say_*` puts them together in the person's language.
Wording: what, that nothing was charged, what can be changed. No score, no trigger word, no lecture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.schema import FailureCause, PhotoProblem, Reason, Refused, Restricted, Stage
from handlers.texts import Html, Texts, mark, paragraphs


class Explanation(NamedTuple):
    """The rule in one sentence; what the person can change, empty where nothing would help."""

    rule: str
    change: str = ""


OPENINGS: Mapping[Stage, str] = {
    Stage.PROMPT: mark("🙅 I can't make this clip as it is written."),
    Stage.PHOTO: mark("🙅 I can't animate this photo."),
    Stage.CLIP: mark("🙅 The clip came out against a rule, so I did not keep it."),
    Stage.SHARE: mark("🙅 I did not share this clip."),
}

EXPLANATIONS: Mapping[Reason, Explanation] = {
    Reason.SEXUAL_MINOR: Explanation(mark("I make nothing sexual that involves children.")),
    Reason.SEXUAL: Explanation(
        mark("I make no nudity and nothing sexual."),
        mark("You can ask for weather, light or a camera move instead."),
    ),
    Reason.INTIMACY: Explanation(
        mark("I don't bring people closer to each other than they are in the photo."),
        mark("You can ask for a motion without touch, or for weather and light."),
    ),
    Reason.MINOR_SAFETY: Explanation(
        mark("The photo may show a child, so only calm motions are available."),
        mark("You can ask for weather, light or a slow camera move."),
    ),
    Reason.VIOLENCE: Explanation(
        mark("I don't show people or animals being hurt."),
        mark("You can ask for another motion."),
    ),
    Reason.WEAPON: Explanation(
        mark("I don't set weapons in motion."),
        mark("You can ask for a motion without them."),
    ),
    Reason.HATE: Explanation(
        mark("I make nothing that puts people down for who they are."),
        mark("You can ask for another motion."),
    ),
    Reason.SELF_HARM: Explanation(
        mark("I don't show anybody hurting themselves."),
        mark(
            "If you are not well, talking helps: a person you trust, a doctor or a helpline near you. "
            "I am a bot and can't give that help."
        ),
    ),
    Reason.DANGEROUS_ACT: Explanation(
        mark("I don't show dangerous acts that somebody could try."),
        mark("You can ask for a calmer motion."),
    ),
    Reason.DEFAMATION: Explanation(
        mark("I don't show people doing bad things that they did not do."),
        mark("You can ask for a motion that is kind to the people shown."),
    ),
    Reason.HUMILIATION: Explanation(
        mark("I make nothing that makes fun of the people shown."),
        mark("You can ask for a motion that is kind to the people shown."),
    ),
    Reason.PUT_WORDS: Explanation(
        mark("I don't put words into anybody's mouth."),
        mark("You can leave the speaking out."),
    ),
    Reason.PUBLIC_FIGURE: Explanation(
        mark("I don't put well-known people into new scenes."),
        mark("You can ask for weather, light or a camera move, without a name."),
    ),
    Reason.FAKE_NEWS: Explanation(
        mark("I make nothing that looks like news of what did not happen."),
        mark("You can leave the event out and ask for weather, light or a camera move."),
    ),
    Reason.FRAUD: Explanation(
        mark("I make nothing that could deceive somebody about a person, money or a document."),
        mark("You can ask for another motion, or send another photo."),
    ),
    Reason.PRIVATE_DATA: Explanation(
        mark("I don't show documents, addresses or other private details."),
        mark("You can send a photo without them."),
    ),
    Reason.KNOWN_PICTURE: Explanation(
        mark("This picture is one that is never animated here."),
        mark("You can send another photo."),
    ),
    Reason.FLASHING: Explanation(
        mark("I make no fast flashing: it can harm people with epilepsy."),
        mark("You can ask for slow, soft light."),
    ),
    Reason.UNKNOWN_FACE: Explanation(
        mark("A face did not stay the same as in the photo."),
        mark("You can send the photo again, or ask for a calmer motion."),
    ),
    Reason.UNCLEAR_PROMPT: Explanation(
        mark("I am not sure what the text asks for."),
        mark("You can put it in other words, for example “snow, slow zoom in”."),
    ),
    Reason.SPELLED_OUT: Explanation(
        mark("I can't read text that is spelled letter by letter."),
        mark("You can write it in plain words."),
    ),
    Reason.CLIP_CHANGED: Explanation(
        mark("The file is no longer the one that was checked."),
        mark("You can send the photo again and share the new clip."),
    ),
    Reason.REPORTED: Explanation(mark("Somebody reported it; a person looks at it first.")),
    Reason.NOT_ATTESTED: Explanation(
        mark("It shows people, and I was not told that they agree."),
        mark("You can share it once they do."),
    ),
    Reason.NOT_YOURS: Explanation(mark("Only the person who made a clip can share it.")),
    Reason.KEPT_OUT: Explanation(
        mark("Somebody shown asked to be kept out of what is shared."),
        mark("The clip stays in this chat; you can share another one."),
    ),
    Reason.SUSPENDED: Explanation(mark("You can't share anything for now; a person decided so.")),
    Reason.GROUP_CLOSED: Explanation(
        mark("This group does not take shared clips."),
        mark("One of its admins can allow them, or you choose another group."),
    ),
    Reason.GROUP_STRICT: Explanation(
        mark("This group keeps to stricter rules, and the clip does not fit them."),
        mark("You can choose another group, or make a calmer clip."),
    ),
}

PHOTO_PROBLEMS: Mapping[PhotoProblem, str] = {
    PhotoProblem.EMPTY: mark("The file is empty. Please send the photo again."),
    PhotoProblem.NOT_AN_IMAGE: mark("This file is not a photo. I take JPEG, PNG, WebP and HEIC."),
    PhotoProblem.UNSUPPORTED_FORMAT: mark(
        "I can't open this kind of picture. I take JPEG, PNG, WebP and HEIC."
    ),
    PhotoProblem.TOO_MANY_BYTES: mark(
        "The file is too large: I take photos up to 20 MB. Sent as a photo instead of a file, it will fit."
    ),
    PhotoProblem.TOO_MANY_PIXELS: mark(
        "The photo has too many pixels: I take up to 50 megapixels. Sent as a photo instead of a file, it will fit."
    ),
    PhotoProblem.TOO_SMALL: mark("The photo is too small to bring to life. Please send a larger one."),
    PhotoProblem.TOO_NARROW: mark("The photo is too long and narrow for a clip. Please send a cropped one."),
    PhotoProblem.BROKEN: mark(
        "The photo is damaged and can't be opened. Please send it again, or another one."
    ),
    PhotoProblem.TOO_COMPLEX: mark(
        "Opening this photo takes too long. Please send it as a photo instead of a file."
    ),
}

FAILURES: Mapping[FailureCause, str] = {
    FailureCause.WORKER_DIED: mark("The part that makes the pictures stopped twice on this photo."),
    FailureCause.TIMED_OUT: mark("Making the pictures took far too long, so I stopped."),
    FailureCause.RENDERING: mark("Making the pictures went wrong."),
    FailureCause.POOR_CLIP: mark("The clip did not come out well, and neither did a second one."),
    FailureCause.CHECKING: mark("I could not check the finished clip, and unchecked clips are not sent."),
    FailureCause.SIGNING: mark("I could not sign the finished clip, and unsigned clips are not sent."),
}

EFFECTS: Mapping[str, str] = {
    "snow": mark("snow"),
    "rain": mark("rain"),
    "fog": mark("fog"),
    "golden_hour": mark("golden light"),
    "sun_rays": mark("sun rays"),
    "sky_drift": mark("drifting clouds"),
    "night": mark("night"),
    "water": mark("water"),
    "fireflies": mark("fireflies"),
    "confetti": mark("confetti"),
    "lightning": mark("lightning"),
    "flicker": mark("flickering light"),
    "steam": mark("steam"),
    "sway": mark("plants in the wind"),
    "swash": mark("waves on the shore"),
    "white_water": mark("rushing water"),
    "embers": mark("embers"),
    "petals": mark("petals"),
    "leaves": mark("falling leaves"),
    "balloons": mark("balloons"),
    "hearts": mark("hearts"),
    "blink": mark("blinking"),
    "wink": mark("a wink"),
    "smile": mark("a smile"),
    "breathing": mark("breathing"),
    "hair": mark("wind in hair and clothes"),
    "push_in": mark("slow zoom in"),
    "pull_out": mark("slow zoom out"),
    "pan_left": mark("pan to the left"),
    "pan_right": mark("pan to the right"),
    "tilt_up": mark("tilt up"),
    "tilt_down": mark("tilt down"),
    "orbit": mark("circling camera"),
    "dolly_zoom": mark("dolly zoom"),
    "handheld": mark("hand-held camera"),
    "static": mark("still camera"),
    "gentle_zoom": mark("gentle zoom"),
    "pan": mark("slow pan"),
    "loop": mark("an endless loop"),
    "as_described": mark("what you described"),
}

SOUNDS: Mapping[str, str] = {
    "wind": mark("wind"),
    "waves": mark("waves"),
    "stream": mark("a stream"),
    "rain": mark("rain"),
    "thunder": mark("thunder"),
    "fire": mark("fire"),
    "birds": mark("birds"),
    "crickets": mark("crickets"),
    "city": mark("a city"),
}


def name_effect(say: Texts, code: str) -> str:
    """The word for a motion; a renderer that an operator added may have codes that we have no word for."""
    return say.plain(EFFECTS[code]) if code in EFFECTS else code.replace("_", " ")


def name_effects(say: Texts, codes: Iterable[str]) -> Html:
    return say.listing(dict.fromkeys(name_effect(say, code) for code in codes))


def name_sounds(say: Texts, codes: Iterable[str]) -> Html:
    return say.listing(say.plain(SOUNDS[code]) if code in SOUNDS else code for code in codes)


def label_preset(say: Texts, code: str) -> str:
    """A preset's button: the motion with a capital letter."""
    name = name_effect(say, code)
    return name[:1].upper() + name[1:]


def say_made_with_ai(say: Texts, label: str) -> Html:
    """The label that is burnt into the clip, in words: for screen readers, and where the picture is small."""
    sentence = label if label.endswith((".", "!")) else f"{label}."
    return say.say("🪄 <b>{label}</b> This video was made from a photo with AI.", label=sentence)


def say_refusal(say: Texts, answer: Refused | Restricted) -> Html:
    """Why there is no clip, at what cost, and what would work instead."""
    explanation = EXPLANATIONS[answer.reason]
    match answer:
        case Restricted():
            opening = say.say("🙂 Not quite like this, but there is a way.")
        case Refused(reason=Reason.UNCLEAR_PROMPT | Reason.SPELLED_OUT):
            opening = say.say("🤔 I did not make a clip yet.")
        case Refused():
            opening = say.say(OPENINGS[answer.stage])
    return paragraphs(
        opening,
        say.say(explanation.rule),
        say.say(explanation.change) if explanation.change else "",
        say.say("Or pick a motion below.") if answer.presets else "",
        say.say("Nothing was charged.") if answer.stage is not Stage.SHARE else "",
    )


def say_photo_problem(say: Texts, problem: PhotoProblem) -> Html:
    return paragraphs(say.say(PHOTO_PROBLEMS[problem]), say.say("Nothing was charged."))


def say_failure(say: Texts, cause: FailureCause) -> Html:
    return paragraphs(
        say.say("😔 I could not finish this clip."),
        say.say(FAILURES[cause]),
        say.say("Nothing was charged. You can send the photo again."),
    )
