"""Who is connected, and who writes: connections, conversations, what Meta delivered."""

from collections.abc import Mapping
from datetime import timedelta

from connector.privacy.model.classes import Aged, Entry, Held, Ruled, entry
from connector.privacy.model.data_map.spans import DAY, LINKED, SETTING

PEOPLE: Mapping[str, Entry] = {
    "backfills": entry(
        LINKED,
        technical="connection_id channel reason since_time from_time before_time round_time begin_time finish_time"
        " skip_count conversation_count message_count cut",
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
    "conversations": entry(
        Ruled("messages", "until its last message goes"),
        erased_by="conversations",
        technical="id store_id connection_id channel profile_due_time seen_time picture_expire_time unread_count"
        " last_message_time delivered_time read_time person_time direct_time standby_time note_time owner owner_request",
        personal="psid thread_id person_name person_username picture_url agent_id referral opt_in account_link",
        content="snippet",
    ),
    "deletions": entry(
        Aged("finish_time", 400 * DAY),
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
        Aged("receive_time", 30 * DAY),
        technical="delivery_id store_id connection_id receive_time kinds",
        business="page_id",
    ),
    "forgotten": entry(Held("for ever: it keeps deleted data away"), technical="time", hash="digest"),
    "installations": entry(
        Held("as long as the store: its name at Meta stays the same"),
        technical="store_id environment connection_id candidate_id state by_system_user look_time read_time install_time"
        " uninstall_time notice_time absence_time",
        business="external_business_id assets missing domain admin_url",
    ),
    "logins": entry(
        Aged("expire_time", DAY),
        technical="id connection_id store_id actor way environment expire_time use_time withdraw_time",
        hash="state_digest",
        sealed="token",
        business="redirect_uri return_url",
    ),
    "mail_forwardings": entry(
        LINKED,
        erased_by="mail_forwardings",
        technical="connection_id store_id enabled channels include_text digest_seconds enable_time suspend_time reason"
        " fail_time last_send_time test_time update_time",
        personal="addresses",
    ),
    "mailed_messages": entry(
        Held("as long as the message and the mail are kept"), technical="message_id mail_id connection_id"
    ),
    "mails": entry(
        Aged("create_time", 30 * DAY, words="and with its conversation"),
        technical="id store_id connection_id conversation_id state accepted_count reply_code tries create_time retry_time send_time",
        hash="settled",
    ),
    "message_changes": entry(
        Ruled("messages", "as the messages that they are about"),
        erased_by="message_changes",
        technical="connection_id conversation_id subject number change_time",
        personal="mid",
        content="body",
    ),
    "message_gaps": entry(
        Ruled("messages", "with its conversation, and when what it lies before is past its time"),
        technical="conversation_id connection_id begin_time end_time message_count create_time",
    ),
    "message_templates": entry(
        LINKED,
        technical="id connection_id store_id update_time",
        business="name language category status body parameter_count",
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
    "page_paces": entry(LINKED, technical="connection_id medium store_id busy_time bulk_time"),
    "page_sendings": entry(LINKED, technical="connection_id store_id human_agent_refusal_time", business="disclosure"),
    "parked": entry(
        Ruled("deliveries", "30 days after receive_time, unless its Page is connected before"),
        erased_by="parked",
        technical="id environment object receive_time due_time attempts",
        business="page_id",
        hash="digest",
        raw="body",
    ),
    "peppers": entry(Held("for ever: the hashes of what is forgotten hang on it"), technical="id", sealed="sealed"),
    "retentions": entry(SETTING, technical="store_id message_days update_time"),
    "retired_tokens": entry(
        Held("until it is killed at Meta, at most a day"),
        erased_by="at once",
        technical="id store_id connection_id kind every forced kill_time expire_time",
        personal="user_id",
        sealed="sealed",
    ),
    "self_tests": entry(Aged("send_time", DAY), technical="nonce environment send_time answer detail hear_time"),
    "signals": entry(
        Aged("receive_time", 30 * DAY, "state = 'KEPT'", "when nobody acts on its kind"),
        Aged("receive_time", 90 * DAY, "state <> 'KEPT'", "when acting on it failed"),
        erased_by="signals",
        technical="id store_id connection_id environment kind state reason tries receive_time",
        business="page_id",
        hash="digest",
        raw="raw",
    ),
    "silences": entry(LINKED, technical="connection_id check_time since_time message_count"),
    "subscriptions": entry(LINKED, technical="connection_id drop_times repair_count refused refuse_time"),
    "token_cares": entry(LINKED, technical="connection_id token_days data_access_days doubt_time"),
    "token_inspections": entry(
        LINKED,
        erased_by="token_inspections",
        technical="connection_id kind valid meta_type app_id issue_time expire_time data_access_expire_time code subcode"
        " inspect_time",
        business="page_id",
        personal="user_id scopes granular_scopes",
    ),
    "told_news": entry(Aged("time", 90 * DAY), technical="connection_id time", hash="digest"),
    "upload_pieces": entry(
        Held("until the whole is at Meta, else with its upload"),
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
}
