"""Sealing tokens with a ring of keys."""

import json
import pickle
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Unavailable
from connector.vault import Binding, LocalKey, Secret, Unsealable, Vault, same_token, sealed_by
from connector.vault.envelope import Envelope, decrypt

KEYS = {1: LocalKey(bytes(32)), 2: LocalKey(bytes(range(32)))}
BINDING = Binding("s", "c", "k")
WYCHEPROOF = Path(__file__).parents[5] / "shared/fixtures/crypto/wycheproof_aes_gcm_test.json"


@given(st.text(), st.text(), st.text(), st.text())
async def test_what_is_sealed_opens_for_its_row(text: str, store: str, connection: str, kind: str) -> None:
    """Any text comes back unchanged for the binding it was sealed with."""
    vault, binding = Vault(KEYS), Binding(store, connection, kind)
    sealed = await vault.seal(Secret(text), binding)
    assert text == (await vault.open(sealed, binding)).reveal()


async def test_a_ciphertext_opens_in_no_other_row() -> None:
    """Moved to another store, connection or kind, in any combination, a sealed token neither opens nor is wrapped anew."""
    vault = Vault(KEYS)
    rows = [
        Binding(store, connection, kind)
        for store in "ab"
        for connection in "abcde"
        for kind in ("page", "user", "x", "y", "z")
    ]
    assert len(rows) == 50
    sealed = {row: await vault.seal(Secret("token"), row) for row in rows}
    for ours, theirs in permutations(rows, 2):
        for use in (vault.open, vault.rewrap):
            with pytest.raises(Unsealable):
                await use(sealed[ours], theirs)


@pytest.mark.parametrize("part", ["wrapped", "ciphertext"])
async def test_parts_of_two_sealed_tokens_do_not_fit(part: str) -> None:
    """A data key, or a ciphertext, taken from another sealing does not open, not even one of the same row."""
    vault = Vault(KEYS)
    ours, theirs = [Envelope.decode(await vault.seal(Secret("token"), BINDING)) for _ in range(2)]
    mixed = Envelope(1, **{"wrapped": ours.wrapped, "ciphertext": ours.ciphertext, part: getattr(theirs, part)})
    with pytest.raises(Unsealable):
        await vault.open(mixed.encode(), BINDING)


async def test_another_key_id_or_format_does_not_open() -> None:
    """A wrapped data key is bound to its key's id, and everything to the format, even where the keys are the same."""
    same = LocalKey(bytes(32))
    vault = Vault({1: same, 2: same})
    sealed = await vault.seal(Secret("token"), BINDING)
    for header in (bytes([2, 2]), bytes([1, 1]), bytes([3, 1])):
        with pytest.raises(Unsealable):
            await vault.open(header + sealed[2:], BINDING)


# Sealed by the code of an earlier release, under key 1 = 32 zero bytes, for BINDING: what was stored before must open for ever.
OF_FORMAT_1 = bytes.fromhex(
    "0101020abe95078e062e4b1b267d299f98969fed63f4578a4273237d9adef9c0b8d6511026f84bc085e24fc83d7ef7ef3557685572b7e4985d043fb0b92b0c78479de1b9f4d6fdb5daef1c11e98d88c37984183fe86d9fca7f47e9fb0f2e7067bb05"
)


async def test_a_token_of_the_first_format_opens_and_is_sealed_anew() -> None:
    """What an earlier release sealed opens in its row only; wrapped anew it is of today's format."""
    vault = Vault(KEYS)
    assert "EAAfirst" == (await vault.open(OF_FORMAT_1, BINDING)).reveal()
    with pytest.raises(Unsealable):
        await vault.open(OF_FORMAT_1, Binding("s", "c", "other"))
    with pytest.raises(Unsealable):
        await vault.open(OF_FORMAT_1[:-1] + b"x", BINDING)
    renewed = await Vault(KEYS, sealing_key_id=2).rewrap(OF_FORMAT_1, BINDING)
    assert (b"\x02\x02", "EAAfirst") == (renewed[:2], (await Vault({2: KEYS[2]}).open(renewed, BINDING)).reveal())


def test_bindings_that_only_look_alike_differ() -> None:
    """Moving characters between the parts of a binding makes another binding."""
    assert Binding("ab", "c", "d").encode() != Binding("a", "bc", "d").encode()


async def test_a_flipped_bit_is_noticed() -> None:
    """Every single-bit change of a sealed token keeps it shut."""
    vault = Vault(KEYS)
    sealed = await vault.seal(Secret("token"), BINDING)
    for position in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises((Unsealable, Unavailable)):
            await vault.open(bytes(damaged), BINDING)


async def test_every_sealing_has_a_data_key_of_its_own() -> None:
    """The same token sealed twice shares no byte string with itself but the header."""
    vault = Vault(KEYS)
    one, other = [Envelope.decode(await vault.seal(Secret("token"), BINDING)) for _ in range(2)]
    assert (one.wrapped, one.ciphertext) != (other.wrapped, other.ciphertext)
    assert not same_token(one.encode(), other.encode())


async def test_an_older_key_still_opens_and_a_removed_one_waits() -> None:
    """After rotation the old key opens; once it is out of the ring, operators are told which to put back."""
    sealed = await Vault({1: KEYS[1]}).seal(Secret("token"), BINDING)
    assert "token" == (await Vault({2: KEYS[2], 1: KEYS[1]}).open(sealed, BINDING)).reveal()
    with pytest.raises(Unavailable, match="Key 1 of the vault") as refused:
        await Vault({2: KEYS[2]}).open(sealed, BINDING)
    assert "VAULT_UNAVAILABLE" == refused.value.reason


async def test_wrapping_anew_changes_the_data_keys_wrapping_only() -> None:
    """After it the old key is not needed, the token's ciphertext is the same bytes, and it counts as the same token."""
    sealed = await Vault(KEYS).seal(Secret("token"), BINDING)
    rewrapped = await Vault(KEYS, sealing_key_id=2).rewrap(sealed, BINDING)
    assert (1, 2) == (sealed_by(sealed), sealed_by(rewrapped))
    assert Envelope.decode(sealed).ciphertext == Envelope.decode(rewrapped).ciphertext
    assert same_token(sealed, rewrapped)
    assert "token" == (await Vault({2: KEYS[2]}).open(rewrapped, BINDING)).reveal()


def test_no_token_is_the_same_as_none() -> None:
    """A column without a token is the same as another without, and as no other."""
    sealed = Envelope(1, b"wrapped", bytes(28)).encode()
    assert (True, False, False) == (same_token(None, None), same_token(None, sealed), same_token(sealed, None))


def test_a_damaged_token_is_like_no_other() -> None:
    """What is no sealed token is the same as its own bytes only."""
    sealed = Envelope(1, b"wrapped", bytes(28)).encode()
    assert (True, False) == (same_token(b"damaged", b"damaged"), same_token(b"damaged", sealed))


@pytest.mark.parametrize(
    "sealed", [b"", b"\x02", b"\x02\x01", b"\x01\x01" + bytes(100), bytes(200), b"\x02\x01\xff\xff" + bytes(99)]
)
async def test_garbage_does_not_open(sealed: bytes) -> None:
    """What was never sealed is refused like everything else."""
    with pytest.raises(Unsealable):
        await Vault(KEYS).open(sealed, BINDING)


@pytest.mark.parametrize("ids", [[], [0], [256]])
def test_a_ring_needs_keys_with_ids(ids: list[int]) -> None:
    """A ring has keys, with ids from 1 to 255."""
    with pytest.raises(ValueError, match="from 1 to 255"):
        Vault(dict.fromkeys(ids, KEYS[1]))


def test_a_key_has_32_bytes() -> None:
    """A shorter key is no key."""
    with pytest.raises(ValueError, match="32 bytes"):
        LocalKey(bytes(16))


def test_a_secret_is_never_shown() -> None:
    """Neither printing nor pickling reveals a secret; only `reveal` does."""
    secret = Secret("EAAtoken")
    assert "***" == str(secret) == repr(secret) == f"{secret}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.skipif(not WYCHEPROOF.exists(), reason="the shared fixtures are not here")
def test_the_cipher_agrees_with_published_vectors() -> None:
    """AES-256-GCM, as this vault uses it, answers every Wycheproof vector as its authors say."""
    tried = 0
    for group in json.loads(WYCHEPROOF.read_text())["testGroups"]:
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        for case in group["tests"]:
            key, bound = bytes.fromhex(case["key"]), bytes.fromhex(case["aad"])
            sealed = bytes.fromhex(case["iv"] + case["ct"] + case["tag"])
            tried += 1
            if case["result"] == "valid":
                assert case["msg"] == decrypt(key, sealed, bound).hex()
            else:
                with pytest.raises(Unsealable):
                    decrypt(key, sealed, bound)
    assert tried > 50
