// What a server tells its client after authentication: PUSH_REPLY, AUTH_FAILED and the other control messages.
//
// They travel as text, each ended by a NUL, in the TLS channel.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/result.h"
#include "impl/openvpn/options.h"

namespace gatelab::openvpn {

struct PushedRoute {
    Prefix destination;
    std::optional<Ipv4Address> via;  // none: the tunnel's gateway
    friend bool operator==(const PushedRoute&, const PushedRoute&) = default;
};

// The options of a PUSH_REPLY that mean something to us, and the names of those that do not.
struct PushReply {
    std::optional<Ipv4Address> address;
    std::optional<Prefix> subnet;             // ifconfig with topology subnet: the client's network
    std::optional<Ipv4Address> peer_address;  // ifconfig with topology net30 or p2p
    std::optional<Ipv4Address> route_gateway;
    bool topology_subnet = true;
    std::vector<PushedRoute> routes;
    bool redirect_gateway = false;
    std::vector<Ipv4Address> dns;  // dhcp-option DNS
    std::string domain;            // dhcp-option DOMAIN
    std::optional<DataCipher> cipher;
    std::optional<std::uint32_t> peer_id;  // 24 bits; present: P_DATA_V2
    std::optional<Duration> ping, ping_restart;
    std::optional<std::uint16_t> tun_mtu;
    std::string auth_token;  // replaces the password at renegotiations
    std::string auth_token_user;
    std::vector<std::string> protocol_flags;  // "cc-exit", "tls-ekm", "dyn-tls-crypt", "aead-epoch"
    bool key_derivation_ekm = false;          // key-derivation tls-ekm
    std::vector<std::string> ignored;         // whole options that we have no use for, in order
    friend bool operator==(const PushReply&, const PushReply&) = default;
};

struct PushRequest {};
struct AuthFailed {
    std::string reason;
};  // "AUTH_FAILED,reason"; also SESSION: and TEMP: forms, as they came
struct Restart {
    bool to_next_server = false;
    std::string parameters;
};  // "RESTART", "RESTART,[N]"
struct Halt {
    std::string reason;
};
struct Exit {};  // "EXIT", with the cc-exit flag
struct InfoPre {
    std::string text;
};  // "INFO_PRE,..."
struct UnknownMessage {
    std::string text;
};
using ControlMessage = std::variant<PushRequest, PushReply, AuthFailed, Restart, Halt, Exit, InfoPre, UnknownMessage>;

// One message without its NUL. Malformed for a known message with arguments that cannot be: an address that is none, a
// cipher that does not exist, control characters. Refused, naming it, for a pushed option that would turn on what is
// refused here: any compression or fragment.
Result<ControlMessage> parse_control_message(std::string_view);

// The texts of a reply, each short enough for one control message of 1024 octets; all but the last end in
// "push-continuation 2", the last of several in "push-continuation 1".
std::vector<std::string> encode(const PushReply&);
std::string encode_auth_failed(std::string_view reason);

// Puts the parts of a reply together again.
class PushReader {
public:
    // A whole reply once its last part has come; nothing while parts are missing. Refused for more than 1,000 routes
    // (P2S-CR-11) or 64 KiB.
    Result<std::optional<PushReply>> add(std::string_view message);

private:
    std::string pending_;
};

}  // namespace gatelab::openvpn
