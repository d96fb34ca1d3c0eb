#include "impl/openvpn/static_key.h"

#include <algorithm>
#include <cctype>

#include "impl/crypto/pem.h"
#include "impl/openvpn/wrapped_key.h"

namespace gatelab::openvpn {
namespace {

constexpr std::string_view kStaticHead = "-----BEGIN OpenVPN Static key V1-----";
constexpr std::string_view kStaticTail = "-----END OpenVPN Static key V1-----";
constexpr std::string_view kServerName = "OpenVPN tls-crypt-v2 server key";
constexpr std::string_view kClientName = "OpenVPN tls-crypt-v2 client key";
constexpr std::size_t kHexLine = 16;  // octets a line, as openvpn --genkey writes them

template <class Key>
Key generated(Random& random) {
    Key key;
    random.fill(key.bytes);
    return key;
}

}  // namespace

StaticKey StaticKey::generate(Random& random) { return generated<StaticKey>(random); }

// The static key is older than the others and in hexadecimal, not base64.
Result<StaticKey> StaticKey::from_pem(std::string_view text) {
    const auto begin = text.find(kStaticHead);
    if (begin == std::string_view::npos)
        return fail(Fault::NotFound, "no \"" + std::string{kStaticHead} + "\"; expected an OpenVPN static key");
    const auto body = text.substr(begin + kStaticHead.size());
    const auto end = body.find(kStaticTail);
    if (end == std::string_view::npos) return fail(Fault::Malformed, "OpenVPN static key without its END line");
    std::string digits{body.substr(0, end)};
    std::erase_if(digits, [](unsigned char c) { return std::isspace(c) != 0; });
    const auto bytes = from_hex(digits);
    StaticKey key;
    if (!bytes || bytes->size() != key.bytes.size())
        return fail(Fault::Malformed, "OpenVPN static key that is not 512 hexadecimal digits");
    std::copy(bytes->begin(), bytes->end(), key.bytes.begin());
    return key;
}

std::string StaticKey::to_pem() const {
    std::string text{kStaticHead};
    text += '\n';
    for (std::size_t at = 0; at < bytes.size(); at += kHexLine)
        text += to_hex(ByteView{bytes}.subspan(at, kHexLine)) + "\n";
    return text.append(kStaticTail) + "\n";
}

TlsCryptV2ServerKey TlsCryptV2ServerKey::generate(Random& random) { return generated<TlsCryptV2ServerKey>(random); }

Result<TlsCryptV2ServerKey> TlsCryptV2ServerKey::from_pem(std::string_view text) {
    const auto content = crypto::decode_pem(kServerName, text);
    if (!content) return pass(content);
    TlsCryptV2ServerKey key;
    if (content->size() != key.bytes.size())
        return fail(Fault::Malformed, std::string{kServerName} + " that is not of 128 octets");
    std::copy(content->begin(), content->end(), key.bytes.begin());
    return key;
}

std::string TlsCryptV2ServerKey::to_pem() const { return crypto::encode_pem(kServerName, bytes); }

Result<TlsCryptV2ClientKey> TlsCryptV2ClientKey::make(const TlsCryptV2ServerKey& server, Random& random,
                                                      ByteView metadata) {
    if (metadata.size() > kMaxMetadata)
        return fail(Fault::Refused, "tls-crypt-v2 metadata of " + std::to_string(metadata.size()) +
                                        " octets; at most 734 fit, their type included");
    TlsCryptV2ClientKey made{StaticKey::generate(random), {}};
    made.wrapped = wrap_client_key(server, made.key, metadata);
    return made;
}

Result<TlsCryptV2ClientKey> TlsCryptV2ClientKey::from_pem(std::string_view text) {
    const auto content = crypto::decode_pem(kClientName, text);
    if (!content) return pass(content);
    TlsCryptV2ClientKey key;
    if (content->size() < key.key.bytes.size())
        return fail(Fault::Truncated, std::string{kClientName} + " shorter than its own 256 octets");
    const auto [own, wrapped] =
        std::pair{ByteView{*content}.first(key.key.bytes.size()), ByteView{*content}.subspan(key.key.bytes.size())};
    if (wrapped_key_in(wrapped).size() != wrapped.size() || wrapped.empty())
        return fail(Fault::Malformed, std::string{kClientName} + " whose wrapped part has a wrong length");
    std::copy(own.begin(), own.end(), key.key.bytes.begin());
    key.wrapped = copy_of(wrapped);
    return key;
}

std::string TlsCryptV2ClientKey::to_pem() const {
    Bytes content = copy_of(key.bytes);
    append(content, wrapped);
    return crypto::encode_pem(kClientName, content);
}

}  // namespace gatelab::openvpn
