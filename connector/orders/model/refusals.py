"""What we refuse about orders, and what Meta's own codes of refusal mean for us."""

from connector.errors import AlreadyExists, FailedPrecondition, MetaRefused
from connector.orders.model.states import ImportState
from connector.orders.model.values import Order

# https://developers.facebook.com/docs/commerce-platform/order-management/error-codes (read 2026-11-21)
MANAGED_ELSEWHERE = 2361126
BEYOND_ACKNOWLEDGEMENT = 2361009
BUSY = frozenset({2361050, 2361081})
# https://developers.facebook.com/docs/commerce-platform/order-management/error-codes (read 2026-11-21): 803. Unverified: the others.
_GONE = frozenset({(803, 0), (33, 0), (100, 33)})
"""Codes and subcodes that say that something is not there; 100 alone says that the question was wrong."""
_FIRST_CODE = 1_000_000


def order_code(error: MetaRefused) -> int:
    """Tell Meta's code of an order's refusal, which stands as the code or as its subcode."""
    return error.subcode if error.subcode >= _FIRST_CODE else error.code


def says_gone(error: MetaRefused) -> bool:
    """Tell whether a refusal says that something is not there."""
    return not _GONE.isdisjoint({(error.code, 0), (error.code, error.subcode)})


def taken_elsewhere(connection_id: str) -> FailedPrecondition:
    """Say that another app manages the orders."""
    message = "Another app manages the orders of this shop: disconnect it in Commerce Manager, then associate again"
    return FailedPrecondition(
        "ORDER_MANAGEMENT_TAKEN", message, fix="AssociateOrderManagement", connection_id=connection_id
    )


def no_account(page_id: str) -> FailedPrecondition:
    """Say that the Page has no shop."""
    message = "The Page has no commerce account: the merchant sets a shop up in Commerce Manager"
    return FailedPrecondition("COMMERCE_ACCOUNT_MISSING", message, fix="AssociateOrderManagement", page_id=page_id)


def orders_open(count: int) -> FailedPrecondition:
    """Say that orders still wait for StormCom or for Meta."""
    message = f"{count} orders still wait for StormCom or for Facebook: answer them first, or release with force"
    return FailedPrecondition("ORDERS_OPEN", message, fix="ListOrders", order_count=count)


def wrong_state(order: Order, wanted: str) -> FailedPrecondition:
    """Say that an order is not where it would have to be."""
    message = f"The order is {order.import_state}, and only one that is {wanted} can be treated so"
    names = {"order_id": str(order.id), "state": str(order.import_state)}
    return FailedPrecondition("ORDER_STATE_INVALID", message, fix="GetOrder", **names)


def answered_otherwise(order: Order) -> FailedPrecondition:
    """Say that StormCom gave another answer before."""
    was = order.local_order_id if order.taken else str(ImportState.REJECTED)
    message = "The order was answered otherwise before, and the first answer counts"
    return FailedPrecondition("ORDER_ALREADY_ANSWERED", message, fix="GetOrder", order_id=str(order.id), answer=was)


def local_order_taken(local_order_id: str) -> AlreadyExists:
    """Say that StormCom's id stands for another order, or the order for another id."""
    message = "The order of StormCom's stands for another order already, and a mapping is written once"
    return AlreadyExists("LOCAL_ORDER_TAKEN", message, local_order_id=local_order_id)
