"""Keys and seals, against the test vectors of the RFCs, and against what must hold for every input."""

import hashlib
import math
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygase._protocol import crypto
from pygase.errors import LocalError, MalformedPacket

pytest.importorskip("cryptography")

of_hex = bytes.fromhex


class TestRFC7748:
    @pytest.mark.parametrize(
        ("private", "public", "shared"),
        [
            (
                "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
            ),
            (
                "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
            ),
        ],
    )
    def test_section_5_2(self, private: str, public: str, shared: str) -> None:
        assert crypto.KeyPair(of_hex(private)).shared_with(of_hex(public)) == of_hex(shared)

    def test_section_6_1(self) -> None:
        alice = crypto.KeyPair(of_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
        bob = crypto.KeyPair(of_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        assert alice.public == of_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        assert bob.public == of_hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        shared = of_hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        assert alice.shared_with(bob.public) == bob.shared_with(alice.public) == shared

    @pytest.mark.parametrize("public", [bytes(32), b"\1" + bytes(31), b"\0" * 31, b"\0" * 33, b""])
    def test_keys_that_share_no_secret_are_refused(self, public: bytes) -> None:
        with pytest.raises(MalformedPacket):
            crypto.KeyPair(bytes(range(32))).shared_with(public)


class TestRFC5869:
    @pytest.mark.parametrize(
        ("secret", "salt", "info", "key", "expanded"),
        [
            (
                "0b" * 22,
                "000102030405060708090a0b0c",
                "f0f1f2f3f4f5f6f7f8f9",
                "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            ),
            (
                bytes(range(0x50)).hex(),
                bytes(range(0x60, 0xB0)).hex(),
                bytes(range(0xB0, 0x100)).hex(),
                "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
                (
                    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                    "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
                ),
            ),
            (
                "0b" * 22,
                "",
                "",
                "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            ),
        ],
    )
    def test_appendix_a(self, secret: str, salt: str, info: str, key: str, expanded: str) -> None:
        assert crypto.hkdf_extract(of_hex(salt), of_hex(secret)) == of_hex(key)
        size = len(of_hex(expanded))
        assert crypto.hkdf_expand(of_hex(key), of_hex(info), size) == of_hex(expanded)


class TestRFC8439:
    """Section 2.8.2. Its nonce is a direction of 07 00 00 00 and the number 0x4041424344454647."""

    plain = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
        b"would be it."
    )
    clear = of_hex("50515253c0c1c2c3c4c5c6c7")
    sealed = of_hex(
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
        "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
        "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
    )
    key = bytes(range(0x80, 0xA0))

    def test_seal(self) -> None:
        assert crypto.Sealer(self.key, 0x07000000).seal(0x4041424344454647, self.plain, self.clear) == self.sealed

    def test_open(self) -> None:
        assert crypto.Opener(self.key, 0x07000000).open(0x4041424344454647, self.sealed, self.clear) == self.plain


class TestRFC7914:
    """Section 12, the two vectors with r = 8."""

    def test_the_third_vector(self) -> None:
        assert crypto.scrypt(b"pleaseletmein", b"SodiumChloride", 16384, 64) == of_hex(
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        )

    def test_a_password_is_stretched_with_the_documented_numbers(self) -> None:
        expected = hashlib.scrypt("pässword".encode(), salt=bytes(16), n=32768, r=8, p=1, maxmem=2**27, dklen=32)
        assert crypto.stretched_password("pässword", bytes(16)) == expected

    def test_a_python_without_scrypt_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr("hashlib.scrypt")
        with pytest.raises(LocalError, match=r"no scrypt.*Use a Python from python\.org"):
            crypto.stretched_password("another password", bytes(16))


KEY = bytes(range(32))
numbers = st.integers(0, 2**64 - 1)
directions = st.sampled_from([crypto.FROM_CLIENT, crypto.FROM_SERVER])


class TestSeals:
    @given(directions, numbers, st.binary(max_size=300), st.binary(max_size=20))
    def test_what_is_sealed_opens_again(self, direction: int, number: int, plain: bytes, clear: bytes) -> None:
        sealed = crypto.Sealer(KEY, direction).seal(number, plain, clear)
        assert len(sealed) == len(plain) + 16
        assert crypto.Opener(KEY, direction).open(number, sealed, clear) == plain

    @given(numbers, st.binary(max_size=60), st.binary(min_size=1, max_size=20), st.data())
    def test_no_bit_can_be_changed(self, number: int, plain: bytes, clear: bytes, data: st.DataObject) -> None:
        sealed = crypto.Sealer(KEY, crypto.FROM_SERVER).seal(number, plain, clear)
        opener = crypto.Opener(KEY, crypto.FROM_SERVER)
        whole = bytearray(clear + sealed)
        bit = data.draw(st.integers(0, len(whole) * 8 - 1))
        whole[bit // 8] ^= 1 << bit % 8
        assert opener.open(number, bytes(whole[len(clear) :]), bytes(whole[: len(clear)])) is None
        assert opener.open(number ^ 1 << data.draw(st.integers(0, 63)), sealed, clear) is None
        assert opener.forgeries == 2

    @given(numbers, st.binary(max_size=60), st.integers(0, 15))
    def test_a_torn_text_does_not_open(self, number: int, plain: bytes, kept: int) -> None:
        sealed = crypto.Sealer(KEY, crypto.FROM_SERVER).seal(number, plain, b"")
        opener = crypto.Opener(KEY, crypto.FROM_SERVER)
        assert opener.open(number, sealed[:kept], b"") is None
        assert opener.open(number, sealed[:-1], b"") is None

    @given(numbers)
    def test_a_direction_does_not_open_the_other(self, number: int) -> None:
        sealed = crypto.Sealer(KEY, crypto.FROM_SERVER).seal(number, b"text", b"")
        assert crypto.Opener(KEY, crypto.FROM_CLIENT).open(number, sealed, b"") is None

    def test_no_number_is_beyond_64_bits(self) -> None:
        with pytest.raises(struct.error):
            crypto.Sealer(KEY, crypto.FROM_SERVER).seal(2**64, b"", b"")


class TestKeySchedule:
    def test_the_keys_differ_from_each_other(self) -> None:
        keys = crypto.session_keys(bytes(32), bytes(32))
        assert len(set(keys)) == 5
        assert {len(key) for key in keys} == {32}

    @settings(max_examples=30)
    @given(st.binary(min_size=1, max_size=80), st.binary(min_size=1, max_size=80), st.data())
    def test_every_bit_of_the_handshake_changes_every_key(
        self, challenge: bytes, head: bytes, data: st.DataObject
    ) -> None:
        keys = crypto.session_keys(crypto.transcript_hash(challenge, head), bytes(32))
        changed = bytearray(challenge)
        bit = data.draw(st.integers(0, len(changed) * 8 - 1))
        changed[bit // 8] ^= 1 << bit % 8
        others = crypto.session_keys(crypto.transcript_hash(bytes(changed), head), bytes(32))
        assert not set(keys) & set(others)

    def test_no_byte_moves_from_one_datagram_to_the_other(self) -> None:
        assert crypto.transcript_hash(b"ab", b"c") != crypto.transcript_hash(b"a", b"bc")

    def test_the_shared_secret_decides_all_keys(self) -> None:
        assert not set(crypto.session_keys(bytes(32), bytes(32))) & set(crypto.session_keys(bytes(32), b"1" * 32))


class TestHandshakeKeys:
    def make(self) -> crypto.HandshakeKeys:
        return crypto.HandshakeKeys(random.Random(1).randbytes, 10.0)

    def test_a_challenge_can_be_answered_for_a_whole_period(self) -> None:
        keys = self.make()
        pair = keys.make(199)  # the last moment of its period
        keys.forget(299)
        assert keys.find(199) is pair

    def test_a_pair_is_gone_after_two_periods(self) -> None:
        keys = self.make()
        keys.make(100)
        assert keys.forget_at() == 30.0
        keys.forget(299)
        assert keys.find(100) is not None
        keys.forget(300)
        assert keys.find(100) is None
        assert keys.forget_at() == math.inf

    def test_each_period_has_another_pair(self) -> None:
        keys = self.make()
        publics = {keys.make(issued_at).public for issued_at in range(0, 1000, 10)}
        assert len(publics) == 10

    def test_no_pair_is_made_for_a_time_that_a_stranger_invents(self) -> None:
        keys = self.make()
        keys.make(100)
        assert keys.find(5000) is None


def test_a_proof_holds_for_one_handshake_and_one_password() -> None:
    keys = [crypto.keyed_hash(b"", password, 32) for password in (b"sesame", b"simsim")]
    proofs = {crypto.password_proof(key, handshake) for key in keys for handshake in (b"first", b"second")}
    assert len(proofs) == 4
    assert {len(proof) for proof in proofs} == {16}


def test_this_python_can_encrypt() -> None:
    assert crypto.why_not() == ""
