"""What a store sells, and what Meta has of it."""

from collections.abc import Mapping

from connector.privacy.model.classes import Aged, Entry, Held, Ruled, entry
from connector.privacy.model.data_map.spans import DAY, LINKED, OPEN, SETTING, UNLINKED

GOODS: Mapping[str, Entry] = {
    "aliases": entry(UNLINKED, technical="connection_id create_time", business="alias retailer_id"),
    "batches": entry(
        OPEN,
        technical="id connection_id lane handle item_count checks create_time upload_id",
        business="catalog_id warned",
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
    "feed_pieces": entry(Ruled("uploads", "with its upload"), technical="upload_id number", business="body"),
    "feed_uploads": entry(
        Ruled("uploads", "90 days after it ended"),
        technical="id store_id connection_id kind request_id state reason message row_count size_bytes piece_count"
        " meta_upload_id polls create_time ask_time fetch_time end_time expire_time",
        hash="token_hash",
        sealed="sealed_token",
        business="findings",
    ),
    "feedings": entry(SETTING, technical="connection_id enabled snapshot_time pause_time"),
    "feeds": entry(SETTING, technical="connection_id kind enabled ask_time", business="integration_id meta_feed_id"),
    "flips": entry(OPEN, technical="connection_id time sold_out", business="sample_retailer_ids"),
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
    "item_counts": entry(UNLINKED, technical="connection_id state part"),
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
        UNLINKED,
        technical="connection_id verdict observe_time mends",
        business="retailer_id differences review_status review_rejection_reasons image_fetch_status faults",
    ),
    "items": entry(
        UNLINKED,
        technical="connection_id whole usual clearing wanted counted hidden unconfirmed unconfirmed_time edge_look_time"
        " edge_time price_version stock_version refused_by held stands batch_id operation_id sends offer_tries"
        " leaving desire_time send_time confirm_time stock_time stock_error state reasons content_due offer_due",
        hash="content_hash offer_hash sent_content sent_offer confirmed_content confirmed_offer",
        business="retailer_id product_id variant_id heir sku title content offer currency_code price compare_at_price"
        " sale_start_time sale_end_time track_inventory quantity discontinued reserved offered faults meta_faults"
        " sent_quantity confirmed_quantity",
    ),
    "narrowings": entry(Held("as long as the catalog is used"), technical="item_count time", business="catalog_id"),
    "navigations": entry(SETTING, technical="connection_id update_time", business="menus"),
    "places": entry(Aged("time", DAY), technical="bucket holder time task_id used followers"),
    "product_sets": entry(
        Held("until its category is deleted"),
        technical="connection_id wanted stands allow_live refused reason confirm_time check_time state",
        hash="desired_hash confirmed_hash",
        business="category_id retailer_id name document set_id message product_count",
    ),
    "products": entry(
        UNLINKED,
        technical="connection_id source_version refused deleted update_time",
        hash="digest",
        business="product_id placement",
    ),
    "promotions": entry(SETTING, technical="connection_id update_time", business="promotions"),
    "readbacks": entry(
        LINKED,
        technical="connection_id sample_time full_time stage left page_size begin_time seen flipped",
        business="cursor sample_cursor different_cursor",
    ),
    "replacings": entry(OPEN, technical="connection_id after upto rest", business="category_ids"),
    "reviews": entry(
        Held("until DeleteReviews"),
        erased_by="reviews",
        technical="connection_id create_time",
        business="review_id product_id variant_id rating verified_purchase incentivized",
        personal="reviewer_name reviewer_id",
        content="title content",
    ),
    "rules": entry(
        SETTING,
        technical="connection_id update_time",
        business="guard_percent guard_items full_sync_period delta_sync_period safety_stock last_units hide_unconfirmed"
        " flip_alarm_percent",
    ),
    "scanned_items": entry(
        Ruled("scans", "30 days after the connection ended"),
        technical="connection_id scan_id rule duplicate plan decided scan_time",
        business="retailer_id item_id title link gtin mpn item_group_id product_type own",
    ),
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
}
