import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelhook.store.seal import SealBroken, Sealer, place_of

KEY, OTHER = bytes(range(32)), bytes(32)
PLACE = place_of("acme", "endpoint_versions", 5, 1, "secret")


@given(plain=st.binary(max_size=300), place=st.binary(max_size=50))
def test_what_is_sealed_opens_again_in_its_place(plain: bytes, place: bytes) -> None:
    sealer = Sealer(KEY)
    assert sealer.open(sealer.seal(plain, place), place) == plain


def test_the_same_value_never_looks_the_same() -> None:
    sealer = Sealer(KEY)
    assert len({sealer.seal(b"whsec", PLACE) for _ in range(50)}) == 50


@pytest.mark.fault("S29")
@pytest.mark.parametrize(
    "elsewhere",
    [
        ("other", "endpoint_versions", 5, 1, "secret"),
        ("acme", "apps", 5, 1, "secret"),
        ("acme", "endpoint_versions", 6, 1, "secret"),
        ("acme", "endpoint_versions", 5, 2, "secret"),
        ("acme", "endpoint_versions", 5, 1, "signing_key"),
        ("acme", "endpoint_versions", 51, "secret"),
    ],
)
def test_a_sealed_value_opens_nowhere_but_in_its_place(elsewhere: tuple[str | int, ...]) -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal_text("whsec", PLACE)
    assert sealer.open_text(sealed, PLACE) == "whsec"
    with pytest.raises(SealBroken):
        sealer.open_text(sealed, place_of(*elsewhere))


@pytest.mark.fault("S29")
@given(index=st.integers(0, 40), flip=st.integers(1, 255))
def test_a_changed_bit_is_noticed(index: int, flip: int) -> None:
    sealer = Sealer(KEY)
    sealed = bytearray(sealer.seal(b"whsec_abc", PLACE))
    sealed[index] ^= flip
    with pytest.raises(SealBroken):
        sealer.open(bytes(sealed), PLACE)


@pytest.mark.parametrize(
    "planted", ["", "plain", "sealed:", "sealed:!!", "sealed:AAAA", "sealed:" + "A" * 80, "séaled:"]
)
def test_a_text_that_was_never_sealed_is_refused(planted: str) -> None:
    with pytest.raises(SealBroken):
        Sealer(KEY).open_text(planted, PLACE)


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key() -> None:
    old = Sealer(OTHER)
    new = Sealer(KEY, retired=[OTHER])
    assert new.open(old.seal(b"x", PLACE), PLACE) == b"x"
    with pytest.raises(SealBroken):
        old.open(new.seal(b"x", PLACE), PLACE)


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"short")


def test_neither_the_sealer_nor_its_errors_show_a_secret() -> None:
    sealer = Sealer(b"canary-canary-canary-canary-cana")
    with pytest.raises(SealBroken) as caught:
        sealer.open_text("whsec_canary", PLACE)
    assert "canary" not in f"{sealer!r} {caught.value} {caught.value.detail}"
