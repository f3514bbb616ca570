"""The table of contents of the API: a file per service, every RPC and the function that answers it.

The servicers' base classes are abstract, so that a missing RPC, or one bound to a function of the wrong type, does not pass the type checker.
"""

from collections.abc import Callable, Sequence
from typing import Any

from connector.services.admin import Admin
from connector.services.adoption import Adoption
from connector.services.attribution import Attribution
from connector.services.business_extension import BusinessExtension
from connector.services.catalog import Catalog
from connector.services.categories import Categories
from connector.services.checkout import Checkout
from connector.services.connector import Connector
from connector.services.conversations import Conversations
from connector.services.conversions import Conversions
from connector.services.diagnostics import Diagnostics
from connector.services.events import Events
from connector.services.feeds import Feeds
from connector.services.forwarding import Forwarding
from connector.services.health import Health
from connector.services.inventory import Inventory
from connector.services.messages import Messages
from connector.services.operations import Operations
from connector.services.order_commands import OrderCommands
from connector.services.orders import Orders
from connector.services.payouts import Payouts
from connector.services.pushes import Pushes
from connector.services.tokens import Tokens
from connector.services.webhooks import Webhooks
from stormcom.facebook.v1 import (
    admin_service_pb2_grpc,
    adoption_service_pb2_grpc,
    attribution_service_pb2_grpc,
    business_extension_service_pb2_grpc,
    catalog_service_pb2_grpc,
    category_service_pb2_grpc,
    checkout_service_pb2_grpc,
    connector_service_pb2_grpc,
    conversation_service_pb2_grpc,
    conversion_service_pb2_grpc,
    diagnostic_service_pb2_grpc,
    event_service_pb2_grpc,
    feed_service_pb2_grpc,
    forwarding_service_pb2_grpc,
    health_service_pb2_grpc,
    inventory_service_pb2_grpc,
    message_service_pb2_grpc,
    operation_service_pb2_grpc,
    order_command_service_pb2_grpc,
    order_service_pb2_grpc,
    payout_service_pb2_grpc,
    push_service_pb2_grpc,
    token_service_pb2_grpc,
    webhook_service_pb2_grpc,
)

SERVICERS: Sequence[tuple[Callable[[Any, Any], None], Callable[[Any], object]]] = (
    (connector_service_pb2_grpc.add_FacebookConnectorServicer_to_server, Connector),
    (business_extension_service_pb2_grpc.add_FacebookBusinessExtensionServicer_to_server, BusinessExtension),
    (catalog_service_pb2_grpc.add_FacebookCatalogServicer_to_server, Catalog),
    (category_service_pb2_grpc.add_FacebookCategoriesServicer_to_server, Categories),
    (adoption_service_pb2_grpc.add_FacebookAdoptionServicer_to_server, Adoption),
    (inventory_service_pb2_grpc.add_FacebookInventoryServicer_to_server, Inventory),
    (checkout_service_pb2_grpc.add_FacebookCheckoutServicer_to_server, Checkout),
    (attribution_service_pb2_grpc.add_FacebookAttributionServicer_to_server, Attribution),
    (order_service_pb2_grpc.add_FacebookOrdersServicer_to_server, Orders),
    (order_command_service_pb2_grpc.add_FacebookOrderCommandsServicer_to_server, OrderCommands),
    (conversion_service_pb2_grpc.add_FacebookConversionsServicer_to_server, Conversions),
    (message_service_pb2_grpc.add_FacebookMessagesServicer_to_server, Messages),
    (feed_service_pb2_grpc.add_FacebookFeedsServicer_to_server, Feeds),
    (forwarding_service_pb2_grpc.add_FacebookForwardingServicer_to_server, Forwarding),
    (diagnostic_service_pb2_grpc.add_FacebookDiagnosticsServicer_to_server, Diagnostics),
    (health_service_pb2_grpc.add_FacebookHealthServicer_to_server, Health),
    (token_service_pb2_grpc.add_FacebookTokensServicer_to_server, Tokens),
    (conversation_service_pb2_grpc.add_FacebookConversationsServicer_to_server, Conversations),
    (operation_service_pb2_grpc.add_FacebookOperationsServicer_to_server, Operations),
    (payout_service_pb2_grpc.add_FacebookPayoutsServicer_to_server, Payouts),
    (event_service_pb2_grpc.add_FacebookEventsServicer_to_server, Events),
    (push_service_pb2_grpc.add_FacebookPushesServicer_to_server, Pushes),
    (webhook_service_pb2_grpc.add_FacebookWebhooksServicer_to_server, Webhooks),
    (admin_service_pb2_grpc.add_FacebookAdminServicer_to_server, Admin),
)
"""How each service is added to a server, and what makes it from a runtime."""
