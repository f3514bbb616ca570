"""What keeps the connector going: events, tasks, records."""

from collections.abc import Mapping

from connector.privacy.model.classes import Aged, Entry, Held, Ruled, entry
from connector.privacy.model.data_map.spans import DAY, LINKED, OPEN

UPKEEP: Mapping[str, Entry] = {
    "alerts": entry(
        OPEN,
        technical="connection_id reason item_count since_time update_time",
        business="title body fix_rpc link sample_retailer_ids",
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
    "budgets": entry(
        Held("as long as the bucket is used"),
        technical="bucket spent window_seconds cost urgent_time patient_time pause_time breaker_calls breaker_openings"
        " breaker_time breaker_probing",
    ),
    "checks": entry(
        LINKED,
        technical="connection_id kind cause ask_time check_time since_time fail_time failures due_time",
        business="evidence",
    ),
    "consumers": entry(
        Held("until DeleteConsumer"), technical="store_id name cursor kind most_deliveries after_dead_letter"
    ),
    "events": entry(
        Ruled("events", "7 days after it was made when every consumer acknowledged it, at most 90 days"),
        erased_by="events",
        technical="id store_id connection_id ordering_key kind position create_time",
        content="body",
    ),
    "handouts": entry(
        Ruled("events", "until its event is acknowledged; a dead letter as long as its event, at most 90 days"),
        erased_by="handouts",
        technical="store_id consumer position ordering_key state due_time deliveries reason",
        content="message",
    ),
    "observations": entry(Held("as long as it is looked at"), technical="name value time"),
    "operations": entry(
        Aged("finish_time", 90 * DAY),
        technical="id store_id connection_id request_id kind state planned total_count confirmed_count rejected_count"
        " removal_count scheduled reason create_time update_time finish_time",
        business="arguments first_rejections",
    ),
    "problems": entry(
        Aged(
            "time",
            30 * DAY,
            "EXISTS (SELECT FROM problems AS newer WHERE newer.connection_id = problems.connection_id"
            " AND newer.time > problems.time)",
            "but for a connection's last",
        ),
        erased_by="problems",
        technical="id connection_id reason code subcode time",
        raw="message",
    ),
    "pushes": entry(
        Held("until DeletePush"),
        technical="id store_id consumer kinds state reason former_secret_expire_time last_answer last_time"
        " failing_since_time failures outages resume_time create_time",
        business="url",
        sealed="secret former_secret",
    ),
    "requests": entry(
        Aged("claim_time", 2 * DAY),
        erased_by="requests",
        technical="store_id request_id claim_time",
        hash="digest",
        content="response",
    ),
    "tasks": entry(
        Held("until it is done"),
        erased_by="tasks",
        technical="id name key connection_id due_time leased attempt tries unfinished wishes reason trace create_time",
        business="arguments",
        raw="message",
    ),
}
