// Any bytes at all as a packet of OpenVPN's data channel, as the text of an authentic one, and as a fragment.
#include <algorithm>
#include <cstdlib>

#include "impl/openvpn/data_channel.h"
#include "impl/openvpn/fragment.h"
#include "impl/openvpn/mss.h"

namespace {

using namespace gatelab;
using namespace gatelab::openvpn;

constexpr Instant kNow = instant_from_unix(1'700'000'000);

DataChannel channel_of(DataCipher cipher, Role role, Random& random) {
    DataParameters parameters;
    parameters.keys.bytes.fill(0x11);
    parameters.cipher = cipher;
    parameters.auth = crypto::Hash::Sha256;
    parameters.role = role;
    return DataChannel{parameters, random};
}

void open_raw(DataCipher cipher, ByteView packet) {
    SeededRandom random{1};
    auto server = channel_of(cipher, Role::Server, random);
    Bytes out(packet.size());
    // Nobody finds a tag or an HMAC by chance.
    if (server.open(kNow, packet, out) || server.is_genuine(packet)) std::abort();
}

// The text of an authentic CBC packet may be anything as well.
void open_authentic(ByteView data) {
    const Bytes key(32, 0x11);
    Bytes covered(16, 0x22), text = copy_of(data);
    text.resize(text.size() / 16 * 16);
    crypto::AesCbc cipher{crypto::AesCbc::Direction::Encrypt, key};
    Bytes sealed(text.size());
    cipher.apply(covered, text, sealed);
    append(covered, sealed);
    const Bytes packet =
        ByteWriter{}.u8(6 << 3).bytes(crypto::hmac(crypto::Hash::Sha256, key, covered)).bytes(covered).take();
    SeededRandom random{1};
    auto server = channel_of(DataCipher::Aes256Cbc, Role::Server, random);
    Bytes out(packet.size());
    const auto inner = server.open(kNow, packet, out);
    if (!inner) return;
    const bool inside = inner->data() >= out.data() && inner->data() + inner->size() <= out.data() + out.size();
    if (!inside || inner->empty() || inner->size() + 5 > text.size()) std::abort();
}

void seal_any(DataCipher cipher, ByteView data) {
    SeededRandom random{1};
    auto client = channel_of(cipher, Role::Client, random), server = channel_of(cipher, Role::Server, random);
    Bytes packet(data.size() + client.overhead());
    const auto size = client.seal(data, packet);
    if (!size) return;
    Bytes out(*size);
    const auto back = server.open(kNow, ByteView{packet}.first(*size), out);
    if (!back || !std::ranges::equal(*back, data)) std::abort();
}

// Parts of eight octets behind their header, and the data as one part.
void join_any(ByteView data) {
    Fragmenter fragmenter{104};
    const auto join = [&](ByteView part) {
        const auto whole = fragmenter.join(kNow, part);
        if (whole && *whole && (*whole)->size() > 65535) std::abort();
    };
    for (std::size_t at = 0; at < data.size(); at += 12)
        join(data.subspan(at, std::min<std::size_t>(12, data.size() - at)));
    join(data);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView data{bytes, size};
    for (const auto cipher : {DataCipher::Aes256Gcm, DataCipher::Aes256Cbc}) {
        open_raw(cipher, data);
        seal_any(cipher, data);
    }
    open_authentic(data);
    join_any(data);
    Bytes inner = copy_of(data);
    clamp_mss(inner, 1300);
    return 0;
}
