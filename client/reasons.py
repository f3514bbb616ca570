"""Explains every value of ErrorReason in the words of the contract.

The words are the enum's own comments, which the generated type stubs carry: nothing is written twice.
"""

import ast
import functools
from importlib import resources

from stormcom.facebook.v1.error_reason_pb2 import ErrorReason

PREFIX = "ERROR_REASON_"


@functools.cache
def read_reasons() -> dict[str, str]:
    """Return the explanation of each reason, in the contract's order."""
    stub = resources.files("stormcom.facebook.v1").joinpath("error_reason_pb2.pyi").read_text(encoding="utf-8")
    words: dict[str, str] = {}
    for enum in ast.parse(stub).body:
        if isinstance(enum, ast.ClassDef):
            for value, comment in zip(enum.body, enum.body[1:], strict=False):
                match value, comment:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        words[name.removeprefix(PREFIX)] = text
    return {name.removeprefix(PREFIX): words.get(name.removeprefix(PREFIX), "") for name in ErrorReason.keys()[1:]}
