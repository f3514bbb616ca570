"""The data map: every column of every table, what it holds and how long it stays. The sweep carries it out.

A column without a class, and an entry without a column, fail the build. `docs/privacy.md` is written from here.
"""

from collections.abc import Mapping
from datetime import timedelta

from connector.privacy.model.classes import Aged, DataClass, Entry, Held, Ruled, entry

_DAY = timedelta(days=1)
_UNLINKED = Held("as long as the store's catalog is kept")
_LINKED = Held("as long as the connection")
_OPEN = Held("until it is over")
_SETTING = Held("until it is changed")

DATA_MAP: Mapping[str, Entry] = {
    "alerts": entry(
        _OPEN,
        technical="connection_id reason item_count since_time update_time",
        business="title body fix_rpc link sample_retailer_ids",
    ),
    "aliases": entry(_UNLINKED, technical="connection_id create_time", business="alias retailer_id"),
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
    "audit_chains": entry(
        Held("as long as the store"), technical="store_id position sealed_position", hash="hash sealed_hash"
    ),
    "audit_entries": entry(
        Ruled("audit", "400 to 407 days after create_time"),
        technical="id store_id connection_id request_id result call_count create_time position",
        hash="hash",
        audit="action caller role actor objects",
    ),
    "audit_intents": entry(
        Held("until the call has ended"),
        technical="id store_id connection_id request_id create_time",
        audit="action caller role actor objects",
    ),
    "audit_tallies": entry(
        Held("until the hour is over"), technical="store_id hour call_count", audit="action caller role actor"
    ),
    "backfills": entry(
        _LINKED,
        technical="connection_id channel reason since_time from_time before_time round_time begin_time finish_time"
        " skip_count conversation_count message_count cut",
    ),
    "batches": entry(
        _OPEN,
        technical="id connection_id lane handle item_count checks create_time upload_id",
        business="catalog_id warned",
    ),
    "budgets": entry(
        Held("as long as the bucket is used"),
        technical="bucket spent window_seconds cost urgent_time patient_time pause_time breaker_calls breaker_openings"
        " breaker_time breaker_probing",
    ),
    "catalog_diagnostics": entry(
        Held("until Meta tells it no more"),
        technical="connection_id first_time last_time",
        business="type severity told",
    ),
    "categories": entry(
        Held("until DeleteCategories"),
        technical="connection_id source_version update_time",
        business="category_id parent_id name position google facebook product_set cover_image_link description link",
    ),
    "checkout_urls": entry(_SETTING, technical="connection_id update_time", business="url"),
    "checks": entry(
        _LINKED,
        technical="connection_id kind cause ask_time check_time since_time fail_time failures due_time",
        business="evidence",
    ),
    "connections": entry(
        Held("as long as the store; tokens until Disconnect, deauthorization or deletion, a Page's an hour longer"),
        erased_by="connections",
        technical="id store_id environment state reason state_time successor_id catalog_attach_time catalog_go_time"
        " token_kind token_expire_time data_access_expire_time token_time blocks probes login_expire_time"
        " subscribed_fields subscription_check_time forwards_mail create_time update_time",
        business="page_id page_name instagram_id instagram_username business_id catalog_id catalog_name"
        " catalog_product_count catalog_wish",
        personal="user_id page_tasks granted_scopes reach offer login_offer",
        sealed="user_token page_token login_token",
    ),
    "consumers": entry(
        Held("until DeleteConsumer"), technical="store_id name cursor kind most_deliveries after_dead_letter"
    ),
    "conversations": entry(
        Ruled("messages", "until its last message goes"),
        erased_by="conversations",
        technical="id store_id connection_id channel profile_due_time seen_time picture_expire_time unread_count"
        " last_message_time delivered_time read_time person_time direct_time standby_time note_time owner owner_request",
        personal="psid thread_id person_name person_username picture_url agent_id referral opt_in account_link",
        content="snippet",
    ),
    "conversions": entry(
        Aged("create_time", 30 * _DAY, "state <> 'PENDING'", "once it is settled"),
        erased_by="conversions",
        technical="id store_id connection_id state reason attempt_time expire_time create_time send_time",
        business="event_name event_id event_time",
        raw="message",
        personal="body",
    ),
    "deletions": entry(
        Aged("finish_time", 400 * _DAY),
        erased_by="itself",
        technical="id store_id request_id state create_time due_time finish_time code",
        hash="subject_digest",
        personal="subject",
        audit="origin caller removed",
    ),
    "deliveries": entry(
        Ruled("deliveries", "30 days after receive_time with their day, once worked off"),
        erased_by="deliveries",
        technical="id environment receive_time state position tries attempts",
        hash="digest signature",
        raw="body",
    ),
    "delivery_pages": entry(
        Aged("receive_time", 30 * _DAY),
        technical="delivery_id store_id connection_id receive_time kinds",
        business="page_id",
    ),
    "draft_orders": entry(
        Aged("create_time", 90 * _DAY),
        erased_by="draft_orders",
        technical="id store_id connection_id channel state expire_time answer_time create_time",
        business="lines sent_lines local_order_id decline_reason checkout_link",
        personal="conversation_id cart_key send_time",
        content="note",
    ),
    "events": entry(
        Ruled("events", "7 days after it was made when every consumer acknowledged it, at most 90 days"),
        erased_by="events",
        technical="id store_id connection_id ordering_key kind position create_time",
        content="body",
    ),
    "feed_pieces": entry(Ruled("uploads", "with its upload"), technical="upload_id number", business="body"),
    "feed_uploads": entry(
        Ruled("uploads", "90 days after it ended"),
        technical="id store_id connection_id kind request_id state reason message row_count size_bytes piece_count"
        " meta_upload_id polls create_time ask_time fetch_time end_time expire_time",
        hash="token_hash",
        sealed="sealed_token",
        business="findings",
    ),
    "feedings": entry(_SETTING, technical="connection_id enabled snapshot_time pause_time"),
    "feeds": entry(_SETTING, technical="connection_id kind enabled ask_time", business="integration_id meta_feed_id"),
    "flips": entry(_OPEN, technical="connection_id time sold_out", business="sample_retailer_ids"),
    "forgotten": entry(Held("for ever: it keeps deleted data away"), technical="time", hash="digest"),
    "handouts": entry(
        Ruled("events", "until its event is acknowledged; a dead letter as long as its event, at most 90 days"),
        technical="store_id consumer position ordering_key state due_time deliveries reason message",
    ),
    "hold_lines": entry(
        Ruled("holds", "with its hold"), technical="hold_id", business="retailer_id product_id variant_id quantity"
    ),
    "holds": entry(
        Ruled("holds", "30 days after it ended"),
        erased_by="holds",
        technical="id store_id connection_id request_id state create_time expire_time end_time",
        business="purpose",
        personal="reference",
    ),
    "installations": entry(
        Held("as long as the store: its name at Meta stays the same"),
        technical="store_id environment connection_id candidate_id state by_system_user look_time read_time install_time"
        " uninstall_time notice_time absence_time",
        business="external_business_id assets missing domain admin_url",
    ),
    "item_counts": entry(_UNLINKED, technical="connection_id state part"),
    "item_errors": entry(
        Held("until Meta tells it no more"),
        technical="connection_id error_type priority first_time last_time",
        business="retailer_id words",
    ),
    "item_marks": entry(
        Ruled("scans", "30 days after the connection ended"),
        technical="connection_id kind",
        hash="digest",
        business="retailer_id",
    ),
    "item_observations": entry(
        _UNLINKED,
        technical="connection_id verdict observe_time mends",
        business="retailer_id differences review_status review_rejection_reasons image_fetch_status faults",
    ),
    "items": entry(
        _UNLINKED,
        technical="connection_id whole usual clearing wanted counted hidden unconfirmed unconfirmed_time edge_look_time"
        " edge_time price_version stock_version refused_by held stands batch_id operation_id sends offer_tries"
        " leaving desire_time send_time confirm_time stock_time stock_error state reasons content_due offer_due",
        hash="content_hash offer_hash sent_content sent_offer confirmed_content confirmed_offer",
        business="retailer_id product_id variant_id heir sku title content offer currency_code price compare_at_price"
        " sale_start_time sale_end_time track_inventory quantity discontinued reserved offered faults meta_faults"
        " sent_quantity confirmed_quantity",
    ),
    "logins": entry(
        Aged("expire_time", _DAY),
        technical="id connection_id store_id actor way environment expire_time use_time withdraw_time",
        hash="state_digest",
        sealed="token",
        business="redirect_uri return_url",
    ),
    "mail_forwardings": entry(
        _LINKED,
        erased_by="mail_forwardings",
        technical="connection_id store_id enabled channels include_text digest_seconds enable_time suspend_time reason"
        " fail_time last_send_time test_time update_time",
        personal="addresses",
    ),
    "mailed_messages": entry(
        Held("as long as the message and the mail are kept"), technical="message_id mail_id connection_id"
    ),
    "mails": entry(
        Aged("create_time", 30 * _DAY, words="and with its conversation"),
        technical="id store_id connection_id conversation_id state accepted_count reply_code tries create_time retry_time send_time",
        hash="settled",
    ),
    "message_gaps": entry(
        Ruled("messages", "with its conversation, and when what it lies before is past its time"),
        technical="conversation_id connection_id begin_time end_time message_count create_time",
    ),
    "messages": entry(
        Ruled("messages", "as the store's setting says, 730 days without one"),
        erased_by="messages",
        technical="id store_id connection_id conversation_id request_id origin state send_time attempt_time sender"
        " reason unsupported_kind opens_window backfilled edit_count edit_time delete_time standby kind part disclosed bulk",
        hash="digest",
        personal="mid reply_to_mid referral agent_id agent_name",
        content="text attachments reactions payload content",
    ),
    "message_changes": entry(
        Ruled("messages", "as the messages that they are about"),
        erased_by="message_changes",
        technical="connection_id conversation_id subject number change_time",
        personal="mid",
        content="body",
    ),
    "narrowings": entry(Held("as long as the catalog is used"), technical="item_count time", business="catalog_id"),
    "navigations": entry(_SETTING, technical="connection_id update_time", business="menus"),
    "observations": entry(Held("as long as it is looked at"), technical="name value time"),
    "operations": entry(
        Aged("finish_time", 90 * _DAY),
        technical="id store_id connection_id request_id kind state planned total_count confirmed_count rejected_count"
        " removal_count scheduled reason create_time update_time finish_time",
        business="arguments first_rejections",
    ),
    "message_templates": entry(
        _LINKED,
        technical="id connection_id store_id update_time",
        business="name language category status body parameter_count",
    ),
    "page_paces": entry(_LINKED, technical="connection_id medium store_id busy_time bulk_time"),
    "page_sendings": entry(_LINKED, technical="connection_id store_id human_agent_refusal_time", business="disclosure"),
    "parked": entry(
        Ruled("deliveries", "30 days after receive_time, unless its Page is connected before"),
        erased_by="parked",
        technical="id environment receive_time due_time attempts",
        business="page_id",
        hash="digest",
        raw="body",
    ),
    "order_mappings": entry(
        Held("as long as the store: an order is recorded once, for ever"),
        technical="store_id channel create_time",
        business="external_order_id local_order_id",
    ),
    "peppers": entry(Held("for ever: the hashes of what is forgotten hang on it"), technical="id", sealed="sealed"),
    "pixels": entry(
        _SETTING, technical="connection_id limited_data_use update_time", business="pixel_id test_event_code"
    ),
    "places": entry(Aged("time", _DAY), technical="bucket holder time task_id used followers"),
    "problems": entry(
        Aged(
            "time",
            30 * _DAY,
            "EXISTS (SELECT FROM problems AS newer WHERE newer.connection_id = problems.connection_id"
            " AND newer.time > problems.time)",
            "but for a connection's last",
        ),
        erased_by="problems",
        technical="id connection_id reason code subcode time",
        raw="message",
    ),
    "product_sets": entry(
        Held("until its category is deleted"),
        technical="connection_id wanted stands allow_live refused reason confirm_time check_time state",
        hash="desired_hash confirmed_hash",
        business="category_id retailer_id name document set_id message product_count",
    ),
    "products": entry(
        _UNLINKED,
        technical="connection_id source_version refused deleted update_time",
        hash="digest",
        business="product_id placement",
    ),
    "pushes": entry(
        Held("until DeletePush"),
        technical="id store_id consumer kinds state reason former_secret_expire_time last_answer last_time"
        " failing_since_time failures outages resume_time create_time",
        business="url",
        sealed="secret former_secret",
    ),
    "readbacks": entry(
        _LINKED,
        technical="connection_id sample_time full_time stage left page_size begin_time seen flipped",
        business="cursor sample_cursor different_cursor",
    ),
    "replacings": entry(_OPEN, technical="connection_id after upto rest", business="category_ids"),
    "requests": entry(
        Aged("claim_time", 2 * _DAY),
        erased_by="requests",
        technical="store_id request_id claim_time",
        hash="digest",
        content="response",
    ),
    "retentions": entry(_SETTING, technical="store_id message_days update_time"),
    "retired_tokens": entry(
        Held("until it is killed at Meta, at most a day"),
        erased_by="at once",
        technical="id store_id connection_id kind every forced kill_time expire_time",
        personal="user_id",
        sealed="sealed",
    ),
    "reviews": entry(
        Held("until DeleteReviews"),
        erased_by="reviews",
        technical="connection_id create_time",
        business="review_id product_id variant_id rating verified_purchase incentivized",
        personal="reviewer_name reviewer_id",
        content="title content",
    ),
    "rules": entry(
        _SETTING,
        technical="connection_id update_time",
        business="guard_percent guard_items full_sync_period delta_sync_period safety_stock last_units hide_unconfirmed"
        " flip_alarm_percent",
    ),
    "scanned_items": entry(
        Ruled("scans", "30 days after the connection ended"),
        technical="connection_id scan_id rule duplicate plan decided scan_time",
        business="retailer_id item_id title link gtin mpn item_group_id product_type own",
    ),
    "self_tests": entry(Aged("send_time", _DAY), technical="nonce environment send_time answer detail hear_time"),
    "signals": entry(
        Aged("receive_time", 30 * _DAY, "state = 'KEPT'", "when nobody acts on its kind"),
        Aged("receive_time", 90 * _DAY, "state <> 'KEPT'", "when acting on it failed"),
        erased_by="signals",
        technical="id store_id connection_id environment kind state reason tries receive_time",
        business="page_id",
        hash="digest",
        raw="raw",
    ),
    "silences": entry(_LINKED, technical="connection_id check_time since_time message_count"),
    "snapshot_products": entry(
        Ruled("snapshots", "with its snapshot"),
        technical="snapshot_id source_version hidden",
        hash="digest",
        business="product_id variant_ids drafts",
    ),
    "snapshots": entry(
        Ruled("snapshots", "until it expires"),
        technical="id store_id connection_id request_id state operation_id create_time expire_time",
        business="currency_code",
    ),
    "tasks": entry(
        Held("until it is done"),
        erased_by="tasks",
        technical="id name key connection_id due_time leased attempt tries unfinished wishes reason trace create_time",
        business="arguments",
        raw="message",
    ),
    "token_cares": entry(_LINKED, technical="connection_id token_days data_access_days doubt_time"),
    "subscriptions": entry(_LINKED, technical="connection_id drop_times repair_count refused refuse_time"),
    "token_inspections": entry(
        _LINKED,
        erased_by="token_inspections",
        technical="connection_id kind valid meta_type app_id issue_time expire_time data_access_expire_time code subcode"
        " inspect_time",
        business="page_id",
        personal="user_id scopes granular_scopes",
    ),
    "upload_pieces": entry(
        Held("until the whole is at Meta, at most an hour"),
        erased_by="uploads",
        technical="upload_id first_byte store_id",
        raw="bytes",
    ),
    "uploads": entry(
        Aged("expire_time", timedelta(hours=1)),
        erased_by="uploads",
        technical="id store_id connection_id content_type size_bytes received_bytes attachment_id create_time expire_time",
        hash="sha256",
        content="file_name",
    ),
    "told_news": entry(Aged("time", 90 * _DAY), technical="connection_id time", hash="digest"),
}
"""What every column holds, by table."""


def columns_of(table: str, kind: DataClass) -> tuple[str, ...]:
    """List a table's columns of one class."""
    return tuple(name for name, held in DATA_MAP[table].columns.items() if held is kind)


def write_page() -> str:
    """Write `docs/privacy.md`."""
    head = f"{_HEAD}\n| table | rows stay | a person leaves it by | columns |\n|---|---|---|---|\n"
    return head + "".join(f"{_line(name, told)}\n" for name, told in DATA_MAP.items())


def _line(name: str, told: Entry) -> str:
    kinds = [
        f"{kind.lower()}: {', '.join(columns)}"
        for kind in DataClass
        if (columns := [one for one, held in told.columns.items() if held is kind])
    ]
    stay = "; ".join(map(str, told.retention))
    return f"| `{name}` | {stay} | {told.erased_by or '–'} | {'; '.join(kinds)} |"


_HEAD = """# Personal data

Written from the data map in `connector/privacy/model/data_map.py`; a test holds the two, and the tables, together.

- **By age**: the sweep goes through the map every hour. How long a store's messages stay is its own setting (`UpdatePrivacySettings`, 30 to 3,650 days).
- **By a person's wish**: `DeletePersonalData` goes through every table that names a step below; `GetDeletion` tells how far it is and what was removed. Only hashes stay, so that old webhooks of that person store nothing.
- **By Meta's word**: when a merchant removes the app (deauthorize callback) tokens are wiped in the same transaction; when they ask Meta for deletion, what is theirs goes the same way as above, with a status page.
- **Tokens** are sealed and never leave the database unsealed. Logs hold no texts, names or ids of people.
"""
