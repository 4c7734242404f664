"""A sound alone and in a mixture, heard at one playhead and one gain: seven sounds that switch.

The player is the Listen page's (`live/`), without what makes sounds there: these come ready-made.
"""

import functools
from collections.abc import Hashable, Mapping

from numpy.typing import ArrayLike

from pages.show import live, players

SIDES = ("alone", "mixture")


def named(sides: tuple[Mapping[str, ArrayLike], ...], added: ArrayLike) -> dict[str, ArrayLike]:
    """The seven sounds (n,) by name: input, interpretation and residual of both sides, "added"."""
    sounds = {
        f"{side}-{part}": sound
        for side, parts in zip(SIDES, sides, strict=True)
        for part, sound in parts.items()
    }
    return sounds | {"added": added}


def player(
    sounds: Mapping[str, ArrayLike],
    rate: int,
    heads: tuple[str, str, str],
    subject: Hashable,
    name: str = "compared",
) -> bool:
    """Mount the component. Returns True where the browser cannot play (no WebAudio), so that the
    page draws plain players.

    sounds: as `named` gives them, at the clip's own level. heads: what the sides and the added
    sound are called. subject: whose sounds they are; while it stays, the play position does.
    """
    gain = players.common_gain(list(sounds.values()))
    digest, content = live.packed(
        {"rate": rate}, {title: players.short(sound, gain) for title, sound in sounds.items()}
    )
    live.store(name, content)
    result = live.player("l2i_compared", _script())(
        key=name,
        data={
            "digest": digest,
            "subject": str(subject),
            "names": list(sounds),
            "heads": list(heads),
            "gain": f"one gain, {players.decibels(gain)}",
            "label": f"Listen to {heads[0]}, and {heads[1]}",
        },
        default={"fallback": False},
        on_fallback_change=live.nothing,
        height="content",
    )
    return bool(result.fallback)


@functools.cache
def _script() -> str:
    return live.script(*live.PLAYER, "compared.js")
