// What the two ends agree on beside TLS: cipher, key derivation, packet form, how to leave.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "impl/openvpn/key_method.h"
#include "impl/openvpn/options.h"
#include "impl/openvpn/push.h"

namespace gatelab::openvpn {

// What a client can do, by its peer info.
struct Abilities {
    bool negotiates_ciphers = false;  // IV_CIPHERS, or IV_NCP of 2 and more
    bool data_v2 = false, requests_push = false, key_export = false, exit_by_control = false;
};
Abilities abilities_of(const PeerInfo&);

// The server's choice (OpenVPN 2.6, --data-ciphers): the first of ours that the client names; of a client that does not
// negotiate, the cipher of its options string if we allow it, or our fallback. Refused, naming both lists.
Result<DataCipher> choose_cipher(const Options& ours, const PeerInfo& client, std::string_view client_options);

// The client's part: what was pushed must be allowed here; without a push, as choose_cipher() for a silent peer.
Result<DataCipher> accept_cipher(const Options& ours, const PushReply&, std::string_view server_options);

// The value of an item of an options string ("cipher AES-256-GCM"), "" when the item stands alone or is missing.
std::string_view item_of(std::string_view options, std::string_view name);
bool has_item(std::string_view options, std::string_view name);

// Refused for an options string that tells of compression, or of --fragment where only one end has it: neither data
// channel could be read by the other end.
Result<void> check_framing(const Options& ours, std::string_view peer_options);

// Whether data packets carry the header of --fragment: both ends have to want it.
bool uses_fragments(const Options& ours, std::string_view peer_options);

// Completes what a server pushes with what was agreed on. OpenVPN 2.6 says "tls-ekm" among the protocol flags to
// clients that know the flags, and as an option of its own to older ones.
void add_agreement(PushReply&, const Abilities& client, DataCipher);
bool by_exporter(const PushReply&);
bool exits_by_control(const PushReply&);

// "alice" from "CN=alice,O=..."; "" without a common name.
std::string common_name(std::string_view subject);

}  // namespace gatelab::openvpn
