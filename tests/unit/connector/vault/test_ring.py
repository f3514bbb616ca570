"""Sealing tokens."""

import json
import pickle
from itertools import permutations
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Unavailable
from connector.vault import Binding, LocalKey, Secret, Unsealable, Vault

KEYS = {1: LocalKey(bytes(32)), 2: LocalKey(bytes(range(32)))}
WYCHEPROOF = Path(__file__).parents[5] / "shared/fixtures/crypto/wycheproof_aes_gcm_test.json"


@given(st.text(), st.text(), st.text(), st.text())
async def test_what_is_sealed_opens_for_its_row(text: str, store: str, connection: str, kind: str) -> None:
    """Any text comes back unchanged for the binding it was sealed with."""
    vault, binding = Vault(KEYS), Binding(store.replace("\ud800", ""), connection, kind)
    sealed = await vault.seal(Secret(text), binding)
    assert text == (await vault.open(sealed, binding)).reveal()


async def test_a_ciphertext_opens_in_no_other_row() -> None:
    """Moved to another store, connection or kind, in any combination, a sealed token does not open."""
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
        with pytest.raises(Unsealable):
            await vault.open(sealed[ours], theirs)


def test_bindings_that_only_look_alike_differ() -> None:
    """Moving characters between the parts of a binding makes another binding."""
    assert Binding("ab", "c", "d").encode() != Binding("a", "bc", "d").encode()


async def test_a_flipped_bit_is_noticed() -> None:
    """Every single-bit change of a sealed token keeps it shut."""
    vault, binding = Vault(KEYS), Binding("s", "c", "k")
    sealed = await vault.seal(Secret("token"), binding)
    for position in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(Unsealable):
            await vault.open(bytes(damaged), binding)


async def test_an_older_key_still_opens_and_a_removed_one_does_not() -> None:
    """After rotation the old key opens; once it is out of the ring, nothing sealed with it does."""
    binding = Binding("s", "c", "k")
    sealed = await Vault({1: KEYS[1]}).seal(Secret("token"), binding)
    opened = await Vault({2: KEYS[2], 1: KEYS[1]}).open(sealed, binding)
    assert opened.reveal() == "token"
    with pytest.raises(Unsealable):
        await Vault({2: KEYS[2]}).open(sealed, binding)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x01", b"\x02\x01" + bytes(100), bytes(200)])
async def test_garbage_does_not_open(sealed: bytes) -> None:
    """What was never sealed is refused like everything else."""
    with pytest.raises(Unsealable):
        await Vault(KEYS).open(sealed, Binding("s", "c", "k"))


@pytest.mark.parametrize("keys", [{}, {1: bytes(16)}, {0: bytes(32)}, {256: bytes(32)}])
def test_a_ring_of_wrong_keys_is_refused(keys: dict[int, bytes]) -> None:
    """Only 32-byte keys with ids from 1 to 255 make a ring."""
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(keys)


def test_a_secret_is_never_shown() -> None:
    """Neither printing nor pickling reveals a secret; only `reveal` does."""
    secret = Secret("EAAtoken")
    assert "***" == str(secret) == repr(secret) == f"{secret}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.skipif(not WYCHEPROOF.exists(), reason="the shared fixtures are not here")
def test_the_cipher_agrees_with_published_vectors() -> None:
    """AES-256-GCM with 96-bit nonces answers every Wycheproof vector as its authors say."""
    tried = 0
    for group in json.loads(WYCHEPROOF.read_text())["testGroups"]:
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        for case in group["tests"]:
            cipher = AESGCM(bytes.fromhex(case["key"]))
            sealed = bytes.fromhex(case["ct"] + case["tag"])
            tried += 1
            if case["result"] == "valid":
                assert (
                    case["msg"] == cipher.decrypt(bytes.fromhex(case["iv"]), sealed, bytes.fromhex(case["aad"])).hex()
                )
            else:
                with pytest.raises(InvalidTag):
                    cipher.decrypt(bytes.fromhex(case["iv"]), sealed, bytes.fromhex(case["aad"]))
    assert tried > 50
