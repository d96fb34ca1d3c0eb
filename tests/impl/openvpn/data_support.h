// Two ends of a data channel for the tests of this room.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "impl/openvpn/data_channel.h"

namespace gatelab::openvpn {

inline void PrintTo(DataDrop why, std::ostream* out) { *out << name_of(why); }

inline constexpr Instant kStart = instant_from_unix(1'700'000'000);

// A suite, and which form its packets have.
struct DataForm {
    const char* name;
    DataCipher cipher;
    crypto::Hash auth;
    bool with_peer_id;
};

inline std::vector<DataForm> all_data_forms() {
    using crypto::Hash;
    return {{"Aes256GcmV2", DataCipher::Aes256Gcm, Hash::Sha1, true},
            {"Aes128GcmV2", DataCipher::Aes128Gcm, Hash::Sha1, true},
            {"Aes256CbcSha1V2", DataCipher::Aes256Cbc, Hash::Sha1, true},
            {"Aes256CbcSha256V2", DataCipher::Aes256Cbc, Hash::Sha256, true},
            {"Aes256GcmV1", DataCipher::Aes256Gcm, Hash::Sha1, false},
            {"Aes128GcmV1", DataCipher::Aes128Gcm, Hash::Sha1, false},
            {"Aes256CbcSha1V1", DataCipher::Aes256Cbc, Hash::Sha1, false},
            {"Aes256CbcSha256V1", DataCipher::Aes256Cbc, Hash::Sha256, false}};
}

inline DataKeys some_keys() {
    DataKeys keys;
    SeededRandom{1, "data-test-keys"}.fill(keys.bytes);
    return keys;
}

inline DataParameters data_parameters(const DataForm& form, Role role) {
    DataParameters parameters;
    parameters.keys = some_keys();
    parameters.role = role;
    parameters.cipher = form.cipher;
    parameters.auth = form.auth;
    parameters.key_id = 5;
    if (form.with_peer_id) parameters.peer_id = 0x0a0b0c;
    return parameters;
}

inline Bytes sealed(DataChannel& channel, ByteView inner) {
    Bytes out(inner.size() + channel.overhead());
    out.resize(channel.seal(inner, out).value());
    return out;
}

// The inner packet, or why it was dropped.
inline tl::expected<Bytes, DataDrop> opened(DataChannel& channel, ByteView packet, Instant now = kStart) {
    Bytes out(packet.size());
    const auto inner = channel.open(now, packet, out);
    if (!inner) return tl::unexpected<DataDrop>(inner.error());
    return copy_of(*inner);
}

}  // namespace gatelab::openvpn
