"""Usage headers."""

from datetime import timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.graph.usage import Usage, by_bucket, longest_regain, read_usage


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        (
            "x-app-usage",
            {"call_count": 28, "total_time": 25, "total_cputime": 30},
            [Usage("app", "", 30.0, timedelta())],
        ),
        ("x-page-usage", {"call_count": 1}, [Usage("pages", "", 1.0, timedelta())]),
        (
            "x-ad-account-usage",
            {"acc_id_util_pct": 9.67, "reset_time_duration": 100},
            [Usage("ads_management", "", 9.67, timedelta())],
        ),
        (
            "x-business-use-case-usage",
            {
                "11": [
                    {"type": "catalog_batch", "call_count": 95, "total_time": 20, "estimated_time_to_regain_access": 19}
                ],
                "12": [{"type": "messenger", "call_count": 3}],
            },
            [Usage("catalog_batch", "11", 95.0, timedelta(minutes=19)), Usage("messenger", "12", 3.0, timedelta())],
        ),
        (
            "x-business-use-case-usage",
            {"type": "pages", "call_count": 7, "estimated_time_to_regain_access": 1},
            [Usage("pages", "", 7.0, timedelta(minutes=1))],
        ),
        ("x-app-usage", [], []),
        ("x-business-use-case-usage", {"11": {"type": "x"}}, []),
    ],
)
def test_every_shape_of_usage_is_read(name: str, value: object, read: list[Usage]) -> None:
    """All four headers read as gauges of a bucket, the business one both nested and flat."""
    headers = {name: orjson.dumps(value).decode()}
    assert read == read_usage(headers)
    assert max((one.regain for one in read), default=timedelta()) == longest_regain(headers)


_BATCHES = {"type": "catalog_batch", "call_count": 40}


@pytest.mark.parametrize(
    ("headers", "read"),
    [
        ({"x-app-usage": {"call_count": 28}}, {"app:1": 28.0}),
        ({"x-business-use-case-usage": {"7": [_BATCHES]}}, {"catalog_batch:7": 40.0}),
        ({"x-business-use-case-usage": {"20": [_BATCHES]}}, {"catalog_batch:7": 40.0}),  # the business that owns it
        ({"x-business-use-case-usage": _BATCHES}, {"catalog_batch:7": 40.0}),
        (
            {"x-business-use-case-usage": {"7": [_BATCHES], "8": [{**_BATCHES, "call_count": 90}]}},
            {"catalog_batch:7": 40.0, "catalog_batch:8": 90.0},
        ),
        ({"x-business-use-case-usage": {"7": [{**_BATCHES, "total_time": 66}]}}, {"catalog_batch:7": 66.0}),
        ({"x-business-use-case-usage": {"9": [{"type": "ads_insights", "call_count": 99}]}}, {}),
        ({}, {}),
    ],
)
def test_gauges_find_their_buckets(headers: dict[str, object], read: dict[str, float]) -> None:
    """Each gauge is told of the bucket it belongs to; one of the call's own family is the call's, whatever id it has."""
    written = {name: orjson.dumps(value).decode() for name, value in headers.items()}
    told = by_bucket(written, bucket="catalog_batch:7", app_bucket="app:1")
    assert read == {bucket: usage.percent for bucket, usage in told.items()}


@given(
    st.text()
    | st.sampled_from(
        [
            "{",
            "null",
            "[1]",
            '{"1": [[]]}',
            '{"call_count": "x"}',
            '{"call_count": -5}',
            '{"1": [{"call_count": 1e99}]}',
        ]
    )
)
def test_an_unreadable_header_reads_as_nothing_bad(value: str) -> None:
    """No header makes reading fail, and no gauge is negative."""
    for name in ("x-app-usage", "x-business-use-case-usage"):
        assert all(usage.percent >= 0 for usage in read_usage({name: value}))
