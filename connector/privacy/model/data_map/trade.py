"""What was bought: orders, carts, conversions."""

from collections.abc import Mapping

from connector.privacy.model.classes import Aged, Entry, Held, Ruled, entry
from connector.privacy.model.data_map.spans import DAY, LINKED, SETTING

TRADE: Mapping[str, Entry] = {
    "attributed_orders": entry(
        Ruled(
            "attributions",
            "as long as the store; which conversation it came out of, and what the buyer wants, for 90 days",
        ),
        erased_by="attributed_orders",
        technical="id store_id connection_id create_time event_id conversion_reason hold_ids lost_hold_ids receipt_reason",
        hash="digest",
        business="local_order_id channel external_order_id currency_code lines subtotal discount shipping tax total order_time",
        personal="conversation_id draft_order_id receipt_message_id opt_in opt_in_time",
    ),
    "checkout_urls": entry(SETTING, technical="connection_id update_time", business="url"),
    "conversions": entry(
        Ruled("conversions", "what waits is settled when Meta takes it no more: after 7 days, 62 for a shop of bricks"),
        Aged("create_time", 30 * DAY, "state <> 'PENDING'", "once it is settled"),
        erased_by="conversions",
        technical="id store_id connection_id state reason attempt_time expire_time create_time send_time",
        business="event_name event_id event_time",
        raw="message",
        personal="body",
    ),
    "draft_orders": entry(
        Aged("create_time", 90 * DAY),
        erased_by="draft_orders",
        technical="id store_id connection_id channel state expire_time answer_time create_time",
        business="lines sent_lines local_order_id decline_reason checkout_link",
        personal="conversation_id cart_key send_time",
        content="note",
    ),
    "order_mappings": entry(
        Held("as long as the store: an order is recorded once, for ever"),
        technical="store_id channel create_time",
        business="external_order_id local_order_id",
    ),
    "order_accounts": entry(
        Held("as long as the connection"),
        technical="connection_id store_id currency_code manager associate_time watermark_time since_time last_poll_time",
        business="commerce_account_id name",
    ),
    "order_commands": entry(
        Aged("end_time", 400 * DAY),
        erased_by="order_commands",
        technical="id store_id connection_id order_id request_id kind state attempts first_attempt answered problem_reason problem_time"
        " retry_time create_time end_time",
        hash="digest",
        business="external_order_id lines currency_code shipping deduction amount everything shipment_id tracking_number return_id"
        " external_id problem_message",
        content="body",
    ),
    "order_balances": entry(
        Held("as long as the order"),
        technical="order_id connection_id store_id state weigh_time",
        business="expected received fees order_time",
    ),
    "order_cancellations": entry(
        Ruled("order_cancellations", "as long as the order; why, in people's words, until 90 days after it is over"),
        erased_by="order_cancellations",
        technical="order_id external_id store_id command_id create_time",
        business="parts reason",
        content="description",
    ),
    "order_payments": entry(
        Held("as long as the order"),
        technical="order_id external_id store_id captured create_time",
        business="total tax",
    ),
    "order_refunds": entry(
        Held("as long as the order"),
        technical="order_id external_id store_id command_id create_time",
        business="parts subtotal shipping tax total reason",
    ),
    "order_returns": entry(
        Ruled("order_returns", "as long as the order; what the buyer wrote, until 90 days after the order is over"),
        erased_by="order_returns",
        technical="order_id external_id store_id connection_id state create_time update_time",
        business="merchant_return_id parts",
        content="reason message",
    ),
    "payout_pulls": entry(LINKED, technical="connection_id store_id round begin_time finish_time"),
    "payout_transactions": entry(
        Ruled("payout_transactions", "as long as the store; the postal code an order went to, for 400 days"),
        erased_by="payout_transactions",
        technical="connection_id store_id ordinal seen_time",
        hash="digest",
        business="external_order_id type currency_code net_amount processing_fee tax_rate region payout_reference_id transfer_id"
        " transaction_time order_time",
        personal="postal_code",
    ),
    "payouts": entry(
        Held("as long as the store"),
        technical="connection_id store_id state seen_time",
        business="name currency_code payout_reference_id transfer_id amount payout_time",
    ),
    "order_lines": entry(
        Ruled(
            "orders", "as long as the store; what the buyer had written on it, until 90 days after the order is over"
        ),
        erased_by="order_lines",
        technical="order_id line_id position mapped",
        business="retailer_id external_product_id product_id variant_id name quantity unit_price subtotal order_discount tax total"
        " shipping_option shipped_quantity cancelled_quantity refunded_quantity refundable",
        content="customization",
    ),
    "orders": entry(
        Ruled("orders", "as long as the store; who bought and where it went, until 90 days after the order is over"),
        erased_by="orders",
        technical="id store_id connection_id state import_state version create_time open_time tell_time answer_time acknowledge_time"
        " over_time hold_ids hold_expire_time acknowledge_key acknowledge_tries acknowledge_due_time problem_reason problem_time"
        " try_count retry_time update_time read_update_time changes_read_time test_order",
        hash="digest",
        business="external_order_id local_order_id channel currency_code items order_discount shipping tax total paid_by_buyer"
        " paid_by_meta tax_remitted shipping_option discounts ship_by_time order_time problem_message",
        personal="buyer address ascii_address",
    ),
    "pixels": entry(
        SETTING, technical="connection_id limited_data_use update_time", business="pixel_id test_event_code"
    ),
}
