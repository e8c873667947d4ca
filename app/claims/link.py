"""What the Claims page's address holds: the opened claim, the protocol and the filters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bkn.claims.base import INCONCLUSIVE, NOT_RUN, NOT_SUPPORTED, RUNNING, SUPPORTED, TOPICS

PROTOCOLS = ("laptop", "gpu")
VERDICTS = {  # name in the link: verdict
    "supported": SUPPORTED,
    "not-supported": NOT_SUPPORTED,
    "inconclusive": INCONCLUSIVE,
    "running": RUNNING,
    "not-run": NOT_RUN,
}


@dataclass(frozen=True)
class Asked:
    """What is looked at."""

    claim: str = ""  # key of the opened one
    protocol: str = PROTOCOLS[0]
    verdicts: tuple[str, ...] = ()  # names in the link; none: all
    topics: tuple[str, ...] = ()  # keys of TOPICS; none: all


def read(url: Mapping[str, Sequence[str]], claims: Mapping[str, object]) -> tuple[Asked, list[str]]:
    """What the link asks for, and a sentence for each thing in it that is wrong."""
    asked, wrong = Asked(), []
    for name, given in url.items():
        words = [part.strip() for text in given for part in text.split(",") if part.strip()]
        if name not in READ:
            wrong.append(f"the link sets {name!r}, which this page does not know")
            continue
        known = claims if name == "claim" else KNOWN[name]
        fits = [word for word in words if word in known]
        wrong += [
            f"{name} must be one of {', '.join(known)}, got {word!r}"
            for word in words
            if word not in known
        ]
        if fits:
            asked = READ[name](asked, fits)
    return asked, wrong


KNOWN: dict[str, Sequence[str]] = {
    "protocol": PROTOCOLS,
    "verdict": tuple(VERDICTS),
    "topic": tuple(TOPICS),
}
READ: dict[str, Callable[[Asked, Sequence[str]], Asked]] = {
    "claim": lambda asked, words: replace(asked, claim=words[-1]),
    "protocol": lambda asked, words: replace(asked, protocol=words[-1]),
    "verdict": lambda asked, words: replace(asked, verdicts=tuple(dict.fromkeys(words))),
    "topic": lambda asked, words: replace(asked, topics=tuple(dict.fromkeys(words))),
}


def write(asked: Asked) -> dict[str, list[str]]:
    """The inverse of `read`: query parameters of everything that differs from the default."""
    texts = {
        "claim": asked.claim,
        "protocol": asked.protocol if asked.protocol != PROTOCOLS[0] else "",
        "verdict": ",".join(asked.verdicts),
        "topic": ",".join(asked.topics),
    }
    return {name: [text] for name, text in texts.items() if text}
