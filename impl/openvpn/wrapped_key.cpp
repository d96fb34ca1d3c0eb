#include "impl/openvpn/wrapped_key.h"

#include <algorithm>

#include "impl/crypto/aes_ctr.h"
#include "impl/crypto/algorithms.h"

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kTag = 32, kLength = 2, kClientKey = 256;
constexpr std::size_t kCipherKey = 32, kMacKey = 32, kMacKeyAt = 64;  // in the server's key

crypto::AesCtr cipher_of(const TlsCryptV2ServerKey& server) {
    return crypto::AesCtr{ByteView{server.bytes}.first(kCipherKey)};
}

Bytes tag_of(const TlsCryptV2ServerKey& server, ByteView length, ByteView content) {
    crypto::Hmac mac{crypto::Hash::Sha256, ByteView{server.bytes}.subspan(kMacKeyAt, kMacKey)};
    Bytes tag(kTag);
    mac.update(length).update(content).finish(tag);
    return tag;
}

}  // namespace

Bytes wrap_client_key(const TlsCryptV2ServerKey& server, const StaticKey& key, ByteView metadata) {
    Bytes content = copy_of(key.bytes);
    append(content, metadata);
    ByteWriter length;
    length.u16(static_cast<std::uint16_t>(kTag + content.size() + kLength));
    Bytes wrapped = tag_of(server, length.view(), content);
    cipher_of(server).apply(ByteView{wrapped}.first(crypto::AesCtr::kIvSize), content, content);
    append(wrapped, content);
    append(wrapped, length.view());
    return wrapped;
}

ByteView wrapped_key_in(ByteView bytes) {
    if (bytes.size() < kLength) return {};
    const std::size_t length = ByteReader{bytes.last(kLength)}.u16();
    if (length < kTag + kClientKey + kLength || length > kMaxWrappedKey || length > bytes.size()) return {};
    return bytes.last(length);
}

Result<UnwrappedKey> unwrap_client_key(const TlsCryptV2ServerKey& server, ByteView wrapped) {
    if (wrapped.empty() || wrapped_key_in(wrapped).size() != wrapped.size())
        return fail(Fault::Malformed, "a wrapped tls-crypt-v2 key of a length that cannot be");
    const auto tag = wrapped.first(kTag);
    const auto hidden = wrapped.subspan(kTag, wrapped.size() - kTag - kLength);
    Bytes content(hidden.size());
    cipher_of(server).apply(tag.first(crypto::AesCtr::kIvSize), hidden, content);
    if (!equal_in_constant_time(tag, tag_of(server, wrapped.last(kLength), content)))
        return fail(Fault::Unauthentic, "a tls-crypt-v2 key that this server's key did not wrap");
    UnwrappedKey unwrapped;
    std::copy_n(content.begin(), kClientKey, unwrapped.key.bytes.begin());
    unwrapped.metadata = copy_of(ByteView{content}.subspan(kClientKey));
    return unwrapped;
}

}  // namespace gatelab::openvpn
