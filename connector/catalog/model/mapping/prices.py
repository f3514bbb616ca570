"""Prices: exact, in one currency, with what they were before a reduction."""

from connector.catalog.model.mapping.findings import Findings
from connector.catalog.model.values import Product, Variant
from connector.values import Money, decimals_of


def read_prices(
    product: Product, variant: Variant, findings: Findings, currency_code: str
) -> tuple[Money | None, Money | None]:
    """Find the price and the price before a reduction: the variant's pair, else the product's."""
    path, price, compare_at = variant.path, variant.price, variant.compare_at_price
    if price is None:
        path, price, compare_at = "", product.price, product.compare_at_price
    if price is None:
        findings.refuse(f"{path}price", "FIELD_REQUIRED", "is required")
        return None, None
    before = len(findings)
    _check_amount(price, f"{path}price", findings)
    if currency_code and price.currency_code != currency_code:
        rule = f"must be in {currency_code} as the store's other prices; a snapshot of all products can change the currency"
        findings.refuse(f"{path}price", "CURRENCY_MISMATCH", rule, price.currency_code)
    if compare_at is not None:
        _check_amount(compare_at, f"{path}compare_at_price", findings)
        if compare_at.currency_code != price.currency_code:
            rule = f"must be in {price.currency_code}, the currency of the price"
            findings.refuse(f"{path}compare_at_price", "CURRENCY_MISMATCH", rule, compare_at.currency_code)
    return (price, compare_at) if len(findings) == before else (None, None)


def currency_of(product: Product) -> str:
    """Tell what the first priced form of a product costs in; empty when none has a price."""
    if product.price:
        return product.price.currency_code
    return next((variant.price.currency_code for variant in product.variants if variant.price), "")


def _check_amount(amount: Money, path: str, findings: Findings) -> None:
    if decimals_of(amount.currency_code) is None:
        rule = "must be an ISO 4217 currency in capitals, such as USD"
        findings.refuse(f"{path}.currency_code", "CURRENCY_UNKNOWN", rule, amount.currency_code)
    elif amount.minor_units <= 0:
        findings.refuse(path, "PRICE_NOT_POSITIVE", "must be above zero", amount.minor_units)
