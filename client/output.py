"""What commands print: tables and sentences for people, one proto3 JSON object a line for programs."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stormcom.facebook.v1.money_pb2 import Money

# Where nothing says how wide lines may be, ids shall not be broken.
PIPE_WIDTH = 200

M = TypeVar("M", bound=Message)
Columns = Mapping[str, Callable[[Any], object]]


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go, and in which form. `say` is for people only and stays silent when programs read."""

    console: Console
    json: bool

    def say(self, text: str) -> None:
        """Print a sentence."""
        if not self.json:
            self.console.print(escape(text), soft_wrap=True)

    def show(self, message: Message, text: str) -> None:
        """Print one message: as JSON, or as the sentence that tells it."""
        if self.json:
            print_json(message)
        else:
            self.say(text)

    def list(self, messages: Iterable[M], columns: Columns) -> int:
        """Print messages, each a line or a row; return how many. JSON lines come out as the messages come in."""
        if self.json:
            return sum(print_json(message) for message in messages)
        table = Table(*columns, show_edge=False, pad_edge=False)
        for message in messages:
            table.add_row(*(escape(str(read(message))) for read in columns.values()))
        self.console.print(table if table.row_count else "Nothing.")
        return table.row_count


def print_json(message: Message) -> int:
    """Print a message as one line of proto3 JSON."""
    print(json_format.MessageToJson(message, indent=None, ensure_ascii=False), flush=True)
    return 1


def word(message: Message, field: str) -> str:
    """Return the name of an enum field's value without its prefix; a value of a newer contract as its number."""
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    number = getattr(message, field)
    if enum is None or number not in enum.values_by_number:
        return str(number)
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_"
    return enum.values_by_number[number].name.removeprefix(prefix)


def moment(time: Timestamp) -> str:
    """Return a time as people read it; `-` when it is unset."""
    return f"{time.ToDatetime():%Y-%m-%d %H:%M:%S}Z" if time.seconds or time.nanos else "-"


def amount(money: Money) -> str:
    """Return money in minor units and its currency."""
    return f"{money.minor_units} {money.currency_code}"


def make_output(*, json: bool | None) -> Output:
    """Choose the form: what was asked for, else tables on a terminal and JSON elsewhere."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    return Output(console, json=not console.is_terminal if json is None else json)
