"""The least that storing a catalogue can cost: each call's bytes parsed by protobuf, its products copied into a table, committed.

CPU is this process's and PostgreSQL's. Nothing is checked, compared, mapped or sent.
"""

import time
from collections.abc import Callable

import psycopg

from stormcom.facebook.v1.catalog_service_pb2 import PutSnapshotProductsRequest
from stormcom.facebook.v1.product_pb2 import Product
from tests.bench import goods

_TABLE = """
CREATE TABLE IF NOT EXISTS bench_copied (product_id text PRIMARY KEY, source_version bigint, status int, title text, description text,
    link text, image_links text, brand text, currency_code text, price bigint, categories text, quantity int, options text)
"""
_COPY = "COPY bench_copied FROM STDIN"


def copy_products(database_url: str, count: int, *, per_call: int, postgres_cpu: Callable[[], float]) -> float:
    """Parse and copy so many products; tells the CPU seconds that took."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_TABLE)
        seconds, before = 0.0, postgres_cpu()
        for start in range(0, count, per_call):
            products = goods.products(range(start, min(start + per_call, count)))
            request = PutSnapshotProductsRequest(products=products).SerializeToString()
            begin = time.process_time()
            parsed = PutSnapshotProductsRequest.FromString(request)
            with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                for product in parsed.products:
                    copy.write_row(_row(product))
            seconds += time.process_time() - begin
        seconds += postgres_cpu() - before
        connection.execute("DROP TABLE bench_copied")
    return seconds


def _row(product: Product) -> tuple[object, ...]:
    price = product.price
    texts = product.title, product.description, product.link, "\n".join(product.image_links), product.brand
    options = "\n".join(f"{name}={value}" for name, value in product.options.items())
    rest = price.currency_code, price.minor_units, "\n".join(product.categories), product.quantity, options
    return product.product_id, product.source_version, product.status, *texts, *rest
