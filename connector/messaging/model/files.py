"""Which files may be sent, how large, and by which first bytes they are known."""

from collections.abc import Callable, Mapping

# Unverified: recalled.
LARGEST_FILE_BYTES, LARGEST_IMAGE_BYTES = 25_000_000, 8_000_000


def _begins(*marks: bytes, at: int = 0) -> Callable[[bytes], bool]:
    return lambda content: content[at : at + 16].startswith(marks)


def _riff(kind: bytes) -> Callable[[bytes], bool]:
    return lambda content: content[:4] == b"RIFF" and content[8:12] == kind


def _text(content: bytes) -> bool:
    return b"\0" not in content[:1024]


_ZIP, _MPEG4, _OLE = _begins(b"PK\x03\x04"), _begins(b"ftyp", at=4), _begins(b"\xd0\xcf\x11\xe0")
KNOWN: Mapping[str, Callable[[bytes], bool]] = {
    "image/jpeg": _begins(b"\xff\xd8\xff"),
    "image/png": _begins(b"\x89PNG\r\n\x1a\n"),
    "image/gif": _begins(b"GIF87a", b"GIF89a"),
    "image/webp": _riff(b"WEBP"),
    "video/mp4": _MPEG4,
    "video/quicktime": _MPEG4,
    "video/webm": _begins(b"\x1aE\xdf\xa3"),
    "audio/mpeg": _begins(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "audio/mp4": _MPEG4,
    "audio/aac": _begins(b"\xff\xf1", b"\xff\xf9"),
    "audio/ogg": _begins(b"OggS"),
    "audio/wav": _riff(b"WAVE"),
    "application/pdf": _begins(b"%PDF-"),
    "application/zip": _ZIP,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": _ZIP,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _ZIP,
    "application/msword": _OLE,
    "application/vnd.ms-excel": _OLE,
    "text/plain": _text,
    "text/csv": _text,
}
"""Every type that is taken, and how its files begin. Nothing that a device would run is among them."""


def looks_like(content_type: str, content: bytes) -> bool:
    """Tell whether a file begins as its type does."""
    return KNOWN[content_type](content)


def largest(content_type: str) -> int:
    """Tell how large a file of a type may be."""
    return LARGEST_IMAGE_BYTES if content_type.startswith("image/") else LARGEST_FILE_BYTES
