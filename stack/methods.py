"""Writes `docs/methods.md`, every service and method in one place, from the contract's comments and the table of roles.

`python -m stack.methods > docs/methods.md`
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
    ServiceDescriptorProto,
)

from connector.rpc.callers import POLICY
from stack.folders import CHECKOUT

_SERVICES, _METHODS = FileDescriptorProto.SERVICE_FIELD_NUMBER, ServiceDescriptorProto.METHOD_FIELD_NUMBER
_FIRST = "stormcom/facebook/v1/connector_service.proto"
_HEAD = """# Every service and method

Written from the contract: `python -m stack.methods > docs/methods.md`. What a method takes, answers and refuses stands whole above it in [protos/](../protos/stormcom/facebook/v1);
how calls, pages, repetitions and failures work, in [calling](calling.md). *Role* is the least that may call it.
"""


def write_page() -> str:
    """Write the page."""
    files = sorted(_parse().file, key=lambda file: (file.name != _FIRST, file.name))
    return "\n".join([_HEAD, *(text for file in files for text in _sections(file))])


def _parse() -> FileDescriptorSet:
    """Read the contract with its comments."""
    root = CHECKOUT / "protos"
    names = [str(path.relative_to(root)) for path in root.rglob("*_service.proto")]
    with tempfile.NamedTemporaryFile() as target:
        options = [f"--proto_path={root}", "--include_source_info", f"--descriptor_set_out={target.name}"]
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options, *names], check=True)
        return FileDescriptorSet.FromString(Path(target.name).read_bytes())


def _sections(file: FileDescriptorProto) -> Iterator[str]:
    comments = {tuple(place.path): _first_sentence(place.leading_comments) for place in file.source_code_info.location}
    for number, service in enumerate(file.service):
        path = (_SERVICES, number)
        yield f"## {service.name}\n\n{comments[path]}\n\n| method | role | | what it does |\n|---|---|---|---|"
        for place, method in enumerate(service.method):
            what = comments[(*path, _METHODS, place)].replace("|", "\\|")
            yield f"| `{method.name}` | {POLICY[method.name].name.lower()} | {_effect(method)} | {what} |"
        yield ""


def _effect(method: MethodDescriptorProto) -> str:
    return "reads" if method.options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS else "changes"


def _first_sentence(comment: str) -> str:
    """Return what a comment begins with; full stops within words end nothing."""
    text = " ".join(comment.split())
    return re.split(r"(?<=\.)\s+(?=[A-Z`])", text, maxsplit=1)[0]


if __name__ == "__main__":
    sys.stdout.write(write_page())
