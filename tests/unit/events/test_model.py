"""Positions: opaque, exact, and only ours."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.events.model import read_position, write_position


@given(st.integers(min_value=0, max_value=(1 << 63) - 1))
def test_a_position_is_read_as_it_was_written(position: int) -> None:
    """Every position of a log survives the way to the caller and back."""
    assert position == read_position(write_position(position))


@given(st.text())
def test_whatever_is_read_is_written_so(text: str) -> None:
    """A text is either refused or the one way of writing its position."""
    try:
        position = read_position(text)
    except ValueError:
        return
    assert text == write_position(position)


@pytest.mark.parametrize("number", [1 << 63, (1 << 64) - 1])
def test_positions_beyond_any_log_are_refused(number: int) -> None:
    """A number that PostgreSQL cannot hold is refused, not an error later."""
    text = base64.urlsafe_b64encode(number.to_bytes(8)).decode().rstrip("=")
    with pytest.raises(ValueError, match=text):
        read_position(text)
