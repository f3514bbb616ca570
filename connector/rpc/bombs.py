"""Tells requests that are small on the wire and huge in memory, before anything of them is made.

A message inside of a message takes some hundred bytes of memory, and as few as two on the wire. So what a large request would
take is estimated first, along the fields that hold messages; whatever else it says costs about what it weighs.
"""

from google.protobuf.descriptor import Descriptor

MOST_BYTES = 64 * 1024 * 1024
"""More than 500 products with 100 variants each may take."""
_SMALL_BYTES = 64 * 1024
_PER_FIELD = _PER_MESSAGE = 16  # measured: an empty message takes about half of what this comes to
_DEEPEST = 100  # the parser itself refuses what lies deeper
_LONGEST_NUMBER = 10
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_FIXED = {_FIXED_64: 8, _FIXED_32: 4}


Parts = dict[int, tuple[int, "Parts"]]
_known: dict[str, Parts] = {}  # a message may stand inside of itself


class _TooMuch(Exception):
    """It would take more than anything may."""


def is_bomb(kind: Descriptor, said: bytes) -> bool:
    """Tell whether a request of this kind would take far more memory than it should; one that cannot be read takes none."""
    try:
        if len(said) > _SMALL_BYTES:
            _weigh(_parts(kind), said, at=0, end=len(said), weight=0, depth=_DEEPEST)
    except _TooMuch:
        return True
    except IndexError:  # it ends in the middle of something, or a number does not end: the parser refuses it
        return False
    return False


def _weigh(parts: Parts, said: bytes, *, at: int, end: int, weight: int, depth: int) -> int:
    """Weigh what stands inside of one message; a group, which nobody sends, and what lies too deep end it."""
    while at < end and depth:
        tag, at = (said[at], at + 1) if said[at] < 0x80 else _number(said, at)
        wire = tag & 7
        if wire == _BYTES:
            size, at = (said[at], at + 1) if said[at] < 0x80 else _number(said, at)
            if (part := parts.get(tag >> 3)) is not None:
                weight += part[0]
                if weight > MOST_BYTES:
                    raise _TooMuch
                if part[1]:
                    weight = _weigh(part[1], said, at=at, end=min(at + size, end), weight=weight, depth=depth - 1)
            at += size
        elif wire == _VARINT:
            at = _number(said, at)[1]
        elif wire in _FIXED:
            at += _FIXED[wire]
        else:
            break
    return weight


def _number(said: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length; tell it, and where the next thing begins."""
    number = 0
    for place in range(_LONGEST_NUMBER):
        byte = said[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise IndexError


def _parts(kind: Descriptor) -> Parts:
    """List the fields that hold messages, by number: what one weighs when it is empty, and its own such fields."""
    if (known := _known.get(kind.full_name)) is not None:
        return known
    parts = _known[kind.full_name] = {}
    for field in kind.fields:
        if inner := field.message_type:
            parts[field.number] = _PER_MESSAGE + _PER_FIELD * len(inner.fields), _parts(inner)
    return parts
