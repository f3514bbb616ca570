"""What the client's tests share: the small files of products, and a way to read them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from client.call import Caller, open_channel
from client.catalogues.reading import read_catalogue
from client.catalogues.terms import Listed, Problem, Terms
from stormcom.facebook.v1 import (
    admin_service_pb2,
    adoption_service_pb2,
    catalog_service_pb2,
    category_service_pb2,
    connector_service_pb2,
    diagnostic_service_pb2,
    event_service_pb2,
    feed_service_pb2,
    health_service_pb2,
    inventory_service_pb2,
    operation_service_pb2,
    token_service_pb2,
)
from stormcom.facebook.v1.product_pb2 import Product

SERVICES = (
    connector_service_pb2,
    catalog_service_pb2,
    category_service_pb2,
    adoption_service_pb2,
    feed_service_pb2,
    inventory_service_pb2,
    operation_service_pb2,
    token_service_pb2,
    event_service_pb2,
    diagnostic_service_pb2,
    health_service_pb2,
    admin_service_pb2,
)
Asked = TypeVar("Asked", bound=Message)
FILES = Path(__file__).parents[2] / "fixtures" / "catalogues"
Reader = Callable[..., tuple[dict[str, Product], list[str]]]


@pytest.fixture
def files() -> Path:
    """Return the folder of the small files."""
    return FILES


@pytest.fixture
def read() -> Reader:
    """Return a reader: file, terms and mapping in; products by id and problems as text out."""

    def read_file(path: Path, *pairs: str, **terms: str) -> tuple[dict[str, Product], list[str]]:
        entries = list(read_catalogue(path, Terms(source_version=7, **terms), pairs=pairs))
        products = {entry.product.product_id: entry.product for entry in entries if isinstance(entry, Listed)}
        return products, [str(entry) for entry in entries if isinstance(entry, Problem)]

    return read_file


@dataclass
class ScriptedConnector:
    """A real gRPC server that answers what a test told it, and keeps what it was asked."""

    answers: dict[str, Callable[[Any], Message | list[Message]]] = field(default_factory=dict)
    asked: list[Message] = field(default_factory=list)
    address: str = ""

    def on(self, method: str, answer: Callable[[Any], Message | list[Message]] | Message) -> None:
        """Answer a method with a message, or with what a function makes of the request; a stream with a list."""
        self.answers[method] = answer if callable(answer) else lambda _request: answer

    def asked_for(self, kind: type[Asked]) -> list[Asked]:
        """Return the requests of a kind, in order."""
        return [request for request in self.asked if isinstance(request, kind)]

    def serve(self, method: MethodDescriptor) -> "grpc.RpcMethodHandler[Any, Any]":
        """Return the handler of one method."""
        request_type = message_factory.GetMessageClass(method.input_type)
        response_type = message_factory.GetMessageClass(method.output_type)

        def answer(request: Message, context: grpc.ServicerContext) -> Any:
            self.asked.append(request)
            if method.name not in self.answers:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"no answer for {method.name}")
            told = self.answers[method.name](request)
            return iter(told) if isinstance(told, list) else told

        make = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
        return make(
            answer, request_deserializer=request_type.FromString, response_serializer=response_type.SerializeToString
        )


@pytest.fixture
def connector() -> Iterator[ScriptedConnector]:
    """Serve a scripted connector on a free port."""
    scripted = ScriptedConnector()
    server = grpc.server(ThreadPoolExecutor(4))
    for module in SERVICES:
        for service in module.DESCRIPTOR.services_by_name.values():
            methods = {method.name: scripted.serve(method) for method in service.methods}
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, methods),))
    scripted.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield scripted
    server.stop(None).wait(10)


@pytest.fixture
def caller(connector: ScriptedConnector) -> Iterator[Caller]:
    """Return a client of the scripted connector."""
    with Caller(channel=open_channel(connector.address), token="secret", store_id="store-1") as caller:
        yield caller
