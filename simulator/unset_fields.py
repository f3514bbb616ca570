"""Fields that Meta's nodes have and this world never sets: asking for them is no error, they are just absent.

Generated from SDK 26.0.3, the `Field` of each class in facebook_business/adobjects, less what the simulator does set; for orders and
their accounts also what is in facebook-business-sdk-codegen 1338eb3 and in Meta's documentation only.
"""

from collections.abc import Mapping

UNSET: Mapping[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "Business": """
            block_offline_analytics collaborative_ads_managed_partner_business_info
            collaborative_ads_managed_partner_eligibility collaborative_ads_partner_premium_options created_by
            created_time extended_updated_time is_hidden link marketing_messages_onboarding_status
            payment_account_id primary_page profile_picture_uri timezone_id two_factor_type updated_by
            updated_time user_access_expire_time vertical vertical_id
            whatsapp_business_manager_messaging_limit
        """,
        "CommerceMerchantSettings": """
            contact_email cta facebook_channel instagram_channel offsite_iab_checkout_enabled_countries
            payment_provider shops_ads_setup terms
        """,
        "CommerceOrder": """
            pre_order_details
        """,
        "IGUser": """
            biography business_discovery collaborative_media_search followers_count follows_count
            has_profile_pic ig_id is_published legacy_instagram_user_id media_count mentioned_comment
            mentioned_media mini_shop_storefront owner_business profile_picture_url
            shopping_product_tag_eligibility shopping_review_status website
        """,
        "OrderItem": """
            gift_details price_details
        """,
        "OrderReturn": """
            return_buyer_images
        """,
        "Page": """
            about ad_campaign affiliation app_id artists_we_like attire available_promo_offer_ids awards
            band_interests band_members best_page bio birthday booking_agent breaking_news_usage built
            can_checkin can_post category_list checkins company_overview connected_instagram_account
            connected_page_backed_instagram_account contact_address copyright_attribution_insights
            copyright_whitelisted_ig_partners country_page_likes cover culinary_team current_location
            delivery_and_pickup_option_info description description_html differently_open_offerings
            directed_by display_subtext displayed_message_response_time
            does_viewer_have_page_permission_link_ig emails engagement fan_count featured_video features
            followers_count food_styles founded general_info general_manager genre global_brand_page_name
            global_brand_root_id has_added_app has_lead_access has_whatsapp_business_number
            has_whatsapp_number hometown hours impressum influences is_always_open is_calling_eligible
            is_chain is_community_page is_eligible_for_branded_content
            is_eligible_for_disable_connect_ig_btn_for_non_page_admin_am_web
            is_messenger_bot_get_started_enabled is_messenger_platform_bot is_owned is_permanently_closed
            is_published is_unclaimed is_verified keywords leadgen_tos_acceptance_time leadgen_tos_accepted
            leadgen_tos_accepting_user location members merchant_id merchant_review_status
            messaging_feature_status messenger_ads_default_icebreakers messenger_ads_default_quick_replies
            messenger_ads_quick_replies_type mini_shop_storefront mission mpg name_with_location_descriptor
            network new_like_count offer_eligible overall_star_rating owner_business
            page_backed_threads_account_id page_token parent_page parking payment_options personal_info
            personal_interests pharma_safety_info phone pickup_options place_type plot_outline
            preferred_audience press_contact price_range priority_hours privacy_info_url produced_by products
            promotion_eligible promotion_ineligible_reason public_transit rating_count recipient record_label
            release_date restaurant_services restaurant_specialties schedule screenplay_by season
            single_line_address starring start_info store_code store_location_descriptor store_number studio
            supports_donate_button_in_live_video talking_about_count temporary_status unread_message_count
            unread_notif_count unseen_message_count user_access_expire_time username verification_status
            voip_info website were_here_count whatsapp_number written_by
        """,
        "OwnedDomain": """
            owner_business verification_code
        """,
        "ProductCatalog": """
            ad_account_to_collaborative_ads_share_settings additional_vertical_option
            agency_collaborative_ads_share_settings business_metadata catalog_segment_filter
            catalog_segment_product_set_id catalog_store creator_user da_display_settings
            destination_catalog_settings flight_catalog_settings is_local_catalog parent_catalog_id
            partner_integration show_assign_permissions user_access_expire_time
        """,
        "ProductFeed": """
            configuration_source_name item_sub_type migrated_from_feed_id primary_feed_ids primary_feeds rules
            selected_override_fields supplementary_feeds use_case
        """,
        "ProductFeedUpload": """
            error_report
        """,
        "ProductGroup": """
            variants
        """,
        "ProductItem": """
            additional_image_cdn_urls affiliate_seller_rating affiliate_seller_rating_count allow_upsert
            android_app_name android_class android_package android_url applinks base_commission_rate
            bundle_items bundle_retailer_ids capabilities_disabled_by_user category_ranking
            category_specific_fields commerce_insights commerce_tax_category custom_data custom_number_0
            custom_number_1 custom_number_2 custom_number_3 custom_number_4 fbe_external_business_id
            generated_background_images generated_background_images_ad_usage images importer_address
            importer_name ios_app_name ios_app_store_id ios_url ipad_app_name ipad_app_store_id ipad_url
            iphone_app_name iphone_app_store_id iphone_url is_bundle_hero launch_date live_special_price
            manufacturer_info marked_for_product_launch native_commerce offer_disclaimer offer_disclaimer_url
            ordering_index origin_country overall_ranking parent_product_id
            post_conversion_signal_based_enforcement_appeal_eligibility product_disclosures product_local_info
            product_priority_0 product_priority_1 product_priority_2 product_priority_3 product_priority_4
            product_relationship requests return_policy_days sale_price_end_date sale_price_start_date
            shipping_weight_unit shipping_weight_value start_date vendor_id version videos
            wa_compliance_category windows_phone_app_id windows_phone_app_name windows_phone_url
        """,
        "ProductSet": """
            auto_creation_url metadata publish_to_shops
        """,
        "Shop": """
            fb_sales_channel ig_sales_channel workspace
        """,
        "UnifiedThread": """
            wallpaper
        """,
        "User": """
            about age_range birthday client_business_id community cover currency education email
            favorite_athletes favorite_teams first_name gender hometown inspirational_people install_type
            installed is_guest_user is_work_account languages last_name link
            local_news_megaphone_dismiss_status local_news_subscription_status locale location meeting_for
            middle_name name_format payment_pricepoints political profile_pic quotes relationship_status
            religion shared_login_upgrade_required_by short_name significant_other sports
            supports_donate_button_in_live_video third_party_id timezone token_for_business updated_time
            verified video_upload_limits website
        """,
    }.items()
}
