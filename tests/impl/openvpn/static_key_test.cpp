#include "impl/openvpn/static_key.h"

#include <gtest/gtest.h>

#include "impl/openvpn/wrapped_key.h"

namespace gatelab::openvpn {
namespace {

// openvpn --genkey tls-crypt-v2-server server.key
const std::string kServerPem = R"(-----BEGIN OpenVPN tls-crypt-v2 server key-----
GRBcmt2USEgoEvZEXu3wiur6NK5+B6qi4wjd8xXR3UN2wA/H6QgHf89EAyrmbIur
uVVj7gk6oRJUOcaPGor7t5wlf+i0RZGlQ9i4h0O5FDPWNc3XFT1RlvJaYBIrBLwS
IWaElURp2PV+cLjNb3BH7zkgrJJUVuV7RJLrC8yNjuo=
-----END OpenVPN tls-crypt-v2 server key-----
)";

// openvpn --tls-crypt-v2 server.key --genkey tls-crypt-v2-client client.key
const std::string kClientPem = R"(-----BEGIN OpenVPN tls-crypt-v2 client key-----
81EjR+dy7aB+picmXyXMJSIBbtvODl9cVrtYfKwiPP6K33q5tN1JBFcvgZmXBr1h
HLu1aUtDrynzjSjdqAryZzYxb5i3rJtqhJnkxfVSU5nrre70jCGg5Ih3/G7GPw05
a/BIkeK2+k5h9m/5KiQ6JL6uOwYoSxKm+PN5T9uD+BOoE5fZySfIhljWUjD1kAhu
a3P6+YbFemqqADP+ufXd4ZCZWFnDwxd1BYIV5LgYCPeLqWSgz3owhBCipoNmUV4/
nPBhT68/ReUYEKFsl5Q/MgpdSrrTR+UcEZUKxkYeNKW0j/gLWwQOVO1EiVQ7Mmdk
wzKvLLwi963rXqSd+C1Oz/esvSpo6KCTUIYRuyb6c+z5+HDiGrwj6v96bfEU5A5W
3GCQfJyn4R0zGMxkJKYRjbnScPiu0fi2wRJBAGwufMRMngEDa3ZNHwiBK17J7eXu
cnUs0t9urfLUzZ4JYB+BW4/yyWcvGvSWJAav0gOqvFOEvWKHpqyM2xlWCx7Mhv+S
JovezI9Dco0NmAnxsOUA+uA2kUKDijVrxdxVomc6DTRAEiUHZvJQWuXqf2FBqtnO
w/bMsVQJNmfD8bIJrNIVLmX8eoVJdfdfESpnhWfViCX7E7HokQrr+RnxtMvKIT9d
KjmpDf5U3NQQZ6WoEWvgINXJEz2UMaZRG6FSlBUZ9/lUmuf7HMWUohe+E0fl48Ey
N82gx90PjFD7UoG+48n6adQoVBuNxQup/AEr
-----END OpenVPN tls-crypt-v2 client key-----
)";

// openvpn --tls-crypt-v2 server.key --genkey tls-crypt-v2-client client.key $(printf 'hello metadata' | base64)
const std::string kClientWithMetadataPem = R"(-----BEGIN OpenVPN tls-crypt-v2 client key-----
LVS06rgeg/nTKL7rkb71bl9wSUBIEnOm5Ts4qR3Mxhz9WL8o5u2Sr0i1aXhleZb2
wAG7d5LGVVKn+OZkBW9D7XdLvYymtMVVLvahBX6kR99/tEYQqJx4EARQqLvCyKJ4
i2tqhucSwjfw4UkHTADaFu2MAHHsfZ6fapg6AatAmM733hQZPh4rr34nyqxYj1ih
4aFvUZLDI7xu7XndsY/4WMe3eZiLAUKU5zECz8YJ+J/bCCTvlB0i5/Q+MSjiy/sQ
YKitXw4cQL1dIgOssEDhF6brsBQWVFX2xeH8uusAYcMbEzPc0810KOD95ifWrJyU
oyBfo6uTk+ExPloXvoa3VYBZpIT7o0JoEfRp2z/MyTcEJCRuihT6CoqoItgiWst1
Zd9t0d8PUh9AQQJ+NCS6oT6eUQX7x1mcBDVGQPC6QFNDNrJwB05uV436zBmhOhsO
ndifwm9hlEYhgMLToEOg5w8PsSeJ2gplsMqv48Hh/78grV6b2UXL4l5wuiOq7NTJ
I/NEnMO9dJHxImgov7n6yG7xlAPC58JZ7D/2glugMTHTVHm/hH77vf1w5YYEnCUg
dnvpIlpM8DdYIkYmB/Hp1c2Xz90iivNN1Of1SR7UaGaficmPrU/QSXHA+fSl1vd+
f6vX+WZopFlfQWjL9vEkE/SQ9V10MDh/k48PCpDHEfspUOXVhiFHpEj8Ir0LEjP2
IIBmmb4ZicrV4QVzAaopPpBeYTHRz6xkaNvd/nthpgEx
-----END OpenVPN tls-crypt-v2 client key-----
)";

// openvpn --genkey tls-auth ta.key
const std::string kStaticPem = R"(#
# 2048 bit OpenVPN static key
#
-----BEGIN OpenVPN Static key V1-----
d03c43c659f8935887825064e79e5e98
2cbf15275a9bcc8c6c2783737cddd2ff
2d2ab06f8823e9f8dbd2458785d3b3df
28e9318da502e69f8fa80693a96ff337
5d4b88baf60bdcc9c7ca32078b6252e0
830506587cf0d61152b67944bbc74f86
60185eaeae4df4504cb7c3e0f87aafc3
c2a3b2a87e34968269067ab8aedaacb5
034e6659130b8624d78cfa2ed4d0719c
7420ac889db1c6af78de8050e21e598c
44b926c031a95a7afda2af2be22f5ce4
e00412826cfc6568ee0a8d0f3936132e
b84a208c88afc82c191ba48a40828436
90de9636a5f952758ba59b044351912e
3468ca38b640b8d55028bf1ff0cf7a4f
08dfce30b4a3ea7efa84fa82f1e14154
-----END OpenVPN Static key V1-----
)";

TEST(StaticKeyFile, OfTheRealProgramIsReadAndWrittenAlike) {
    const auto key = StaticKey::from_pem(kStaticPem);
    ASSERT_TRUE(key) << key.error().detail;
    EXPECT_EQ(to_hex(ByteView{key->bytes}.first(4)), "d03c43c6");
    EXPECT_EQ(key->to_pem(), kStaticPem.substr(kStaticPem.find("-----BEGIN"))) << "all but its comment";
}

TEST(StaticKeyFile, OfAnotherLengthOrContentIsRefused) {
    const auto pem = StaticKey{}.to_pem();
    const auto body = pem.find('\n') + 1;
    auto longer = pem, shorter = pem, foreign = pem;
    longer.insert(body, "00");
    shorter.erase(body, 2);
    foreign[body] = 'g';
    for (const auto& wrong : {longer, shorter, foreign}) {
        const auto key = StaticKey::from_pem(wrong);
        ASSERT_FALSE(key);
        EXPECT_EQ(key.error().fault, Fault::Malformed);
        EXPECT_EQ(key.error().detail, "OpenVPN static key that is not 512 hexadecimal digits");
    }
    EXPECT_EQ(StaticKey::from_pem(kServerPem).error().fault, Fault::NotFound);
}

template <class Key>
void refuse_every_prefix(const std::string& pem) {
    const auto end = pem.find("-----END");
    for (std::size_t size = 0; size < pem.size() - 1; ++size) {
        const auto key = Key::from_pem(pem.substr(0, size));
        ASSERT_FALSE(key) << size;
        const auto closed = Key::from_pem(pem.substr(0, std::min(size, end)) + pem.substr(end));
        if (size < end - 1) {
            ASSERT_FALSE(closed) << size;
        }
    }
}

TEST(KeyFiles, CutShortAnywhereAreRefused) {
    const auto static_pem = kStaticPem.substr(kStaticPem.find("-----BEGIN"));
    refuse_every_prefix<StaticKey>(static_pem);
    refuse_every_prefix<TlsCryptV2ServerKey>(kServerPem);
    refuse_every_prefix<TlsCryptV2ClientKey>(kClientPem);
}

TEST(TlsCryptV2ServerKeyFile, OfTheRealProgramIsReadAndWrittenAlike) {
    const auto key = TlsCryptV2ServerKey::from_pem(kServerPem);
    ASSERT_TRUE(key) << key.error().detail;
    EXPECT_EQ(key->to_pem(), kServerPem);
}

TEST(TlsCryptV2ClientKeyFile, OfTheRealProgramIsReadAndWrittenAlike) {
    for (const auto& pem : {kClientPem, kClientWithMetadataPem}) {
        const auto key = TlsCryptV2ClientKey::from_pem(pem);
        ASSERT_TRUE(key) << key.error().detail;
        EXPECT_EQ(key->to_pem(), pem);
    }
}

TEST(TlsCryptV2ClientKeyFile, OfTheRealProgramUnwrapsToItsOwnKeyAndMetadata) {
    const auto server = TlsCryptV2ServerKey::from_pem(kServerPem).value();
    const auto dated = TlsCryptV2ClientKey::from_pem(kClientPem).value();
    const auto from_dated = unwrap_client_key(server, dated.wrapped);
    ASSERT_TRUE(from_dated) << from_dated.error().detail;
    EXPECT_EQ(from_dated->key, dated.key);
    ASSERT_EQ(from_dated->metadata.size(), 9u) << "type and a time of 8 octets";
    EXPECT_EQ(from_dated->metadata[0], 1) << "a timestamp";

    const auto named = TlsCryptV2ClientKey::from_pem(kClientWithMetadataPem).value();
    const auto from_named = unwrap_client_key(server, named.wrapped);
    ASSERT_TRUE(from_named) << from_named.error().detail;
    EXPECT_EQ(from_named->key, named.key);
    EXPECT_EQ(as_text(from_named->metadata), std::string(1, '\0') + "hello metadata");
}

TEST(TlsCryptV2ClientKey, ComesBackFromItsWrapping) {
    SeededRandom random{1};
    const auto server = TlsCryptV2ServerKey::generate(random);
    const Bytes largest(kMaxMetadata, 7);
    for (const auto metadata : {ByteView{}, ByteView{largest}}) {
        const auto made = TlsCryptV2ClientKey::make(server, random, metadata).value();
        EXPECT_LE(made.wrapped.size(), kMaxWrappedKey);
        const auto back = unwrap_client_key(server, made.wrapped).value();
        EXPECT_EQ(back.key, made.key);
        EXPECT_EQ(back.metadata, copy_of(metadata));
        EXPECT_EQ(TlsCryptV2ClientKey::from_pem(made.to_pem())->wrapped, made.wrapped);
    }
    EXPECT_EQ(TlsCryptV2ClientKey::make(server, random, Bytes(kMaxMetadata + 1)).error().fault, Fault::Refused);
}

TEST(TlsCryptV2ClientKey, IsNotUnwrappedWhenAnyOfItsBitsChanged) {
    SeededRandom random{2};
    const auto server = TlsCryptV2ServerKey::generate(random);
    const auto made = TlsCryptV2ClientKey::make(server, random, as_bytes("m")).value();
    for (std::size_t bit = 0; bit < made.wrapped.size() * 8; ++bit) {
        auto changed = made.wrapped;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        ASSERT_FALSE(unwrap_client_key(server, changed)) << bit;
    }
    for (std::size_t size = 0; size < made.wrapped.size(); ++size)
        ASSERT_FALSE(unwrap_client_key(server, ByteView{made.wrapped}.first(size))) << size;
    EXPECT_EQ(unwrap_client_key(TlsCryptV2ServerKey::generate(random), made.wrapped).error().fault, Fault::Unauthentic);
}

}  // namespace
}  // namespace gatelab::openvpn
