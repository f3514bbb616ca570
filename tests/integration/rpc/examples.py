"""What each method must be told beside an id, so that it gets as far as looking for the thing."""

import base64
from collections.abc import Mapping
from typing import Any

MISSING, MALFORMED = "00000000-0000-4000-8000-00000000dead", "this-is-no-id-that-anybody-ever-made"

ATTRIBUTED = {
    "local_order_id": "o",
    "channel": "ORDER_CHANNEL_FACEBOOK",
    "lines": [
        {
            "product_id": "p",
            "quantity": 1,
            "unit_price": {"currency_code": "BDT", "minor_units": "1"},
            "total": {"currency_code": "BDT", "minor_units": "1"},
        }
    ],
    "totals": {
        "subtotal": {"currency_code": "BDT", "minor_units": "1"},
        "total": {"currency_code": "BDT", "minor_units": "1"},
    },
}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "AckOrderImport": {"outcome": "OUTCOME_CREATED", "local_order_id": "o"},
    "AckOrderImport.local_order_id": {"outcome": "OUTCOME_CREATED", "order_id": MISSING},
    "AnswerDraftOrder": {"decline_reason": "Sold out"},
    "AnswerDraftOrder.created_local_order_id": {"draft_order_id": MISSING},
    "AcknowledgeOrders": {"request_id": "r"},
    "FulfillOrder": {"shipment_id": "s", "request_id": "r"},
    "FulfillOrder.shipment_id": {"order_id": MISSING, "request_id": "r"},
    "UpdateShipment.shipment_id": {"order_id": MISSING, "tracking": {"carrier": "DHL"}, "request_id": "r"},
    "RefundOrder.return_id": {
        "order_id": MISSING,
        "everything": True,
        "reason": "REFUND_REASON_OTHER",
        "request_id": "r",
    },
    "ResolveReturn.return_id": {"order_id": MISSING, "answer": "ANSWER_APPROVE", "request_id": "r"},
    "ResolveReturn.merchant_return_id": {
        "order_id": MISSING,
        "return_id": "9",
        "answer": "ANSWER_APPROVE",
        "request_id": "r",
    },
    "UpdateShipment": {"shipment_id": "s", "tracking": {"carrier": "DHL"}, "request_id": "r"},
    "CancelOrder": {"request_id": "r"},
    "RefundOrder": {"everything": True, "reason": "REFUND_REASON_OTHER", "request_id": "r"},
    "RestateOrder": {"lines": [{"line_id": "l", "shipped_quantity": 1}], "request_id": "r"},
    "ResolveReturn": {"return_id": "9", "answer": "ANSWER_APPROVE", "request_id": "r"},
    "AttachCatalog": {"catalog_id": "50000000000000001"},
    "BeginInstall": {
        "shop": {"business_name": "Shop", "timezone": "Asia/Dhaka", "currency": "BDT", "domain": "https://shop.example"}
    },
    "BuildCheckoutLink": {"items": [{"retailer_id": "p"}]},
    "CompleteHold": {"lines": [{"product_id": "p", "quantity": 1, "source_version": "9"}]},
    "CompleteInstall": {"state_token": "s", "code": "c"},
    "CommitSnapshot": {"product_count": 0, "digest": "ab" * 32},
    "ConfirmChange": {"removal_count": 1},
    "Connect": {"begin": {}},
    "CreateCatalog": {"business_id": "20000000000000001", "name": "Mine"},
    "CreateMessageTemplate": {"name": "t", "language": "en", "body": "Hello"},
    "DeleteCategories": {"category_ids": ["c"]},
    "DeleteMessageTemplate": {"name": "t"},
    "DeleteProducts": {"product_ids": ["p"]},
    "DeleteReviews": {"review_ids": ["r"]},
    "ExtendHold": {"duration": "600s"},
    "GetInventory": {"retailer_id": "p"},
    "GetItem": {"retailer_id": "p"},
    "PlanAdoption": {"decisions": [{"retailer_id": "p", "plan": "ADOPTION_PLAN_LEAVE"}]},
    "PreviewSync.product_ids": {"mode": "PREVIEW_MODE_ITEMS"},
    "SyncCatalog.product_ids": {"mode": "MODE_ITEMS"},
    "PutNavigation": {
        "menus": [{"handle": "main", "title": "Main", "entries": [{"title": "All", "set_retailer_id": "all"}]}]
    },
    "PutPromotions": {
        "promotions": [
            {
                "promotion_id": "p",
                "title": "Spring",
                "application": "APPLICATION_SALE",
                "target": "TARGET_ITEMS",
                "percent_off": 10,
                "start_time": "2026-11-01T00:00:00Z",
            }
        ]
    },
    "PutReviews": {
        "reviews": [
            {"review_id": "r", "product_id": "p", "rating": 5, "content": "Good", "create_time": "2026-11-01T00:00:00Z"}
        ]
    },
    "RedriveDeadLetters": {"reason": "r"},
    "DismissSignals": {"signal_ids": ["1"], "reason": "r"},
    "ReplayDeliveries": {"begin_time": "2026-11-01T00:00:00Z", "end_time": "2026-11-30T00:00:00Z", "reason": "r"},
    "ReplayDelivery": {"reason": "r"},
    "ReplaySignals": {"reason": "r"},
    "RecordAttributedOrder": ATTRIBUTED,
    "RecordAttributedOrder.external_order_id": {**ATTRIBUTED, "hold_ids": [MISSING]},
    "ReserveStock": {"lines": [{"product_id": "p", "quantity": 1}], "duration": "600s"},
    "ResolveCheckoutLink": {"link": "products=p:1"},
    "ResolveRetailerIds": {"names": [{"retailer_id": "p"}]},
    "AssignConversation": {"agent_id": "a"},
    "AssignConversation.agent_id": {"conversation_id": MISSING},
    "SendConversionEvents": {
        "events": [
            {
                "event_name": "Search",
                "event_id": "e",
                "action_source": "ACTION_SOURCE_OTHER",
                "buyer": {"emails": ["a@b.cd"]},
            }
        ]
    },
    "SendMessage": {"text": "Hello", "request_id": "r"},
    "SetCategories": {"categories": [{"category_id": "c", "name": "C", "source_version": "1"}]},
    "SetFeed": {"kind": "FEED_KIND_PRODUCTS", "enabled": True},
    "UpdateCatalogSettings": {"settings": {"full_sync_hours": 24}},
    "UpdateInventory": {"lines": [{"product_id": "p", "quantity": 1, "source_version": "9"}]},
    "UpdateMailForwarding": {"settings": {"addresses": ["staff@shop.example"]}},
    "ResolveReplyAddress": {"address": "reply+token@in.stormcom.example"},
    "UploadAttachment": {
        "file_name": "a.csv",
        "content_type": "text/csv",
        "size_bytes": 3,
        "sha256": "ab" * 32,
        "piece": base64.b64encode(b"a,b").decode(),
    },
    "UploadFeed": {"kind": "FEED_KIND_PRODUCTS"},
    "UpsertProducts": {"products": [{"product_id": "p", "source_version": "1"}]},
    "PutSnapshotProducts": {"products": [{"product_id": "p", "source_version": "1"}]},
}
