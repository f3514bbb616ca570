"""Meta Business Extension, as callers say it."""

import re
from functools import cache
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from connector.business_extension import actions
from connector.business_extension.model import CallToAction, Channel, Installation, Shop
from connector.connections.model.needs import Asset
from connector.connections.rpc import (
    losing_stores,
    read_address,
    read_environment,
    read_token,
    write_connection,
    write_losses,
)
from connector.errors import InvalidInput
from connector.rpc import calling, read, write
from connector.runtime import Runtime
from connector.values import Environment, decimals_of
from stormcom.facebook.v1 import business_extension_pb2
from stormcom.facebook.v1 import business_extension_service_pb2 as pb

_LONGEST_NAME, _LONGEST_BUTTON, _LONGEST_CODE = 200, 80, 4096
# facebook-for-woocommerce, Connection.php (read 2026-11-21): `Etc/GMT` with whole hours, as far as there are such zones.
_ETC = re.compile(r"Etc/GMT(-([1-9]|1[0-4])|\+([1-9]|1[0-2]))?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_CHANNELS = {
    business_extension_pb2.INSTALL_CHANNEL_UNSPECIFIED: Channel.DEFAULT,
    **{business_extension_pb2.InstallChannel.Value(f"INSTALL_CHANNEL_{channel}"): channel for channel in Channel},
}
_SURFACES = {
    business_extension_pb2.INSTALL_SURFACE_UNSPECIFIED: False,
    business_extension_pb2.INSTALL_SURFACE_DIALOG: False,
    business_extension_pb2.INSTALL_SURFACE_IFRAME: True,
}


async def begin_install(runtime: Runtime, request: pb.BeginInstallRequest) -> pb.BeginInstallResponse:
    """Tell where to send the merchant."""
    embedded = _SURFACES.get(request.surface)
    if embedded is None:
        raise InvalidInput.of("surface", "FIELD_INVALID", "must be DIALOG or IFRAME")
    redirect_uri = read_address(runtime, request.redirect_uri, "redirect_uri")
    if "#" in redirect_uri or (redirect_uri and embedded):
        raise InvalidInput.of("redirect_uri", "FIELD_INVALID", "must not have a fragment, nor be given for the iframe")
    started = await actions.begin(
        runtime,
        request.store_id,
        connection_id=request.connection_id,
        environment=read_environment(runtime, request.environment, "environment"),
        shop=_read_shop(runtime, request.shop),
        embedded=embedded,
        redirect_uri=redirect_uri,
        return_url=read_address(runtime, request.return_url, "return_url"),
        actor=calling.caller(),
    )
    return pb.BeginInstallResponse(
        connection=write_connection(started.begun.connection),
        url=started.begun.url,
        expire_time=write.instant(started.begun.expire_time),
        state_token=started.begun.state if embedded else "",
        installation=_write(started.installation),
    )


async def complete_install(runtime: Runtime, request: pb.CompleteInstallRequest) -> pb.CompleteInstallResponse:
    """Take what the dialog returned, or the iframe posted."""
    outcome = request.WhichOneof("outcome")
    if outcome is None:
        raise InvalidInput.of("outcome", "FIELD_REQUIRED", "one of code, error, access_token is required")
    if outcome == "code":
        read.required(request.code, "code", limit=_LONGEST_CODE)
    done = await actions.complete(
        runtime,
        request.store_id,
        connection_id=request.connection_id,
        state=read.required(request.state_token, "state_token"),
        code=request.code,
        error=request.error,
        token=read_token(request.access_token, "access_token") if outcome == "access_token" else None,
        actor=calling.caller(),
    )
    return pb.CompleteInstallResponse(
        connection=write_connection(done.connection),
        installation=_write(done.installation),
        losses=write_losses(done.losses),
        losing_store_count=losing_stores(done.losses, done.connection),
    )


async def get_installation(runtime: Runtime, request: pb.GetInstallationRequest) -> pb.GetInstallationResponse:
    """Tell what we know."""
    installation = await actions.standing(runtime, request.store_id, _environment(runtime, request.environment))
    return pb.GetInstallationResponse(installation=_write(installation))


async def refresh_installation(
    runtime: Runtime, request: pb.RefreshInstallationRequest
) -> pb.RefreshInstallationResponse:
    """Read back now."""
    environment = _environment(runtime, request.environment)
    connection, installation = await actions.refresh(runtime, request.store_id, environment)
    return pb.RefreshInstallationResponse(connection=write_connection(connection), installation=_write(installation))


async def repair_installation(runtime: Runtime, request: pb.RepairInstallationRequest) -> pb.RepairInstallationResponse:
    """Repair, then read back."""
    environment = _environment(runtime, request.environment)
    connection, installation = await actions.repair(runtime, request.store_id, environment)
    return pb.RepairInstallationResponse(connection=write_connection(connection), installation=_write(installation))


async def uninstall(runtime: Runtime, request: pb.UninstallRequest) -> pb.UninstallResponse:
    """Uninstall."""
    installation = await actions.uninstall(runtime, request.store_id, _environment(runtime, request.environment))
    return pb.UninstallResponse(installation=_write(installation))


def _environment(runtime: Runtime, given: int) -> Environment:
    return read_environment(runtime, given, "environment")


def _read_shop(runtime: Runtime, shop: business_extension_pb2.ShopSettings) -> Shop:
    read.storable(shop, "shop.")
    if shop.channel not in _CHANNELS:
        raise InvalidInput.of("shop.channel", "FIELD_INVALID", "must be DEFAULT, COMMERCE or COMMERCE_OFFSITE")
    if decimals_of(read.required(shop.currency, "shop.currency")) is None:
        raise InvalidInput.of("shop.currency", "CURRENCY_UNKNOWN", "must be a code of ISO 4217, such as BDT")
    if shop.country_code and not _COUNTRY.fullmatch(shop.country_code):
        raise InvalidInput.of("shop.country_code", "FIELD_INVALID", "must be two capital letters of ISO 3166-1")
    return Shop(
        business_name=read.required(shop.business_name, "shop.business_name", limit=_LONGEST_NAME),
        timezone=_read_timezone(shop.timezone),
        currency=shop.currency,
        domain=_read_domain(runtime, shop.domain),
        channel=_CHANNELS[shop.channel],
        page_button=_read_button(runtime, shop, "page_button"),
        instagram_button=_read_button(runtime, shop, "instagram_button"),
        messenger_menu=_read_button(runtime, shop, "messenger_menu"),
        admin_url=read_address(runtime, shop.admin_url, "shop.admin_url"),
        country_code=shop.country_code,
    )


def _read_timezone(name: str) -> str:
    """Read a time zone that Meta takes: it knows no minutes in `Etc/GMT`."""
    read.required(name, "shop.timezone")
    known = _ETC.fullmatch(name) is not None if name.startswith("Etc/GMT") else name in _timezones()
    if not known:
        message = "must be an IANA name such as Asia/Dhaka, or Etc/GMT with whole hours such as Etc/GMT-6"
        raise InvalidInput.of("shop.timezone", "FIELD_INVALID", message)
    return name


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _read_domain(runtime: Runtime, url: str) -> str:
    read.required(url, "shop.domain")
    parts = urlsplit(read_address(runtime, url, "shop.domain"))
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidInput.of("shop.domain", "FIELD_INVALID", "must end after the host, such as https://shop.example")
    return f"{parts.scheme}://{parts.netloc}"


def _read_button(runtime: Runtime, shop: business_extension_pb2.ShopSettings, name: str) -> CallToAction | None:
    if not shop.HasField(name):  # type: ignore[arg-type] # its stub takes literals only
        return None
    button, path = getattr(shop, name), f"shop.{name}"
    if button.below_text and name != "page_button":
        raise InvalidInput.of(f"{path}.below_text", "FIELD_INVALID", "is known on the Page's button only")
    read.required(button.url, f"{path}.url")
    return CallToAction(
        read.required(button.text, f"{path}.text", limit=_LONGEST_BUTTON),
        read_address(runtime, button.url, f"{path}.url"),
        read.within(button.below_text, f"{path}.below_text", limit=_LONGEST_BUTTON),
    )


_MISSING = {
    Asset.CATALOG: business_extension_pb2.MISSING_ASSET_CATALOG,
    Asset.PAGE: business_extension_pb2.MISSING_ASSET_PAGE,
}


def _write(installation: Installation) -> business_extension_pb2.Installation:
    known = installation.read_time is not None
    return business_extension_pb2.Installation(
        external_business_id=installation.external_business_id,
        connection_id=str(installation.connection_id or ""),
        state=business_extension_pb2.Installation.State.Value(f"STATE_{installation.state}"),
        assets=business_extension_pb2.InstalledAssets(**installation.assets.document()) if known else None,
        system_user=installation.by_system_user,
        missing_assets=[_MISSING[asset] for asset in sorted(installation.missing)],
        read_time=write.instant(installation.read_time),
        install_time=write.instant(installation.install_time),
        uninstall_time=write.instant(installation.uninstall_time),
    )
