// A PPP end that a case holds in its hand (RFC 1661, RFC 1332, RFC 1334, RFC 2759). By itself it keeps to the protocol,
// generously: it agrees to what it is asked. A case breaks one rule by a hook, or by sending something at the wrong
// time. It says everything once: what carries it loses nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/base/random.h"
#include "impl/mschap/mschapv2.h"

namespace gatelab::conformance {

// Protocols, and codes of LCP and IPCP; PAP's and CHAP's begin at 1, too.
namespace ppp_number {
constexpr std::uint16_t kIp = 0x0021, kLcp = 0xc021, kPap = 0xc023, kChap = 0xc223, kIpcp = 0x8021, kCcp = 0x80fd,
                        kIpv6cp = 0x8057;
constexpr std::uint8_t kRequest = 1, kAck = 2, kNak = 3, kReject = 4, kTerminate = 5, kTerminateAck = 6,
                       kCodeReject = 7, kProtocolReject = 8, kEcho = 9, kEchoReply = 10, kDiscard = 11;
constexpr std::uint8_t kChallenge = 1, kResponse = 2, kSuccess = 3, kFailure = 4;  // CHAP
constexpr std::uint8_t kMru = 1, kAuthentication = 3, kMagic = 5;                  // options of LCP
constexpr std::uint8_t kAddress = 3, kFirstDns = 129, kSecondDns = 131;            // of IPCP
}  // namespace ppp_number

// A packet of LCP, IPCP, PAP or CHAP.
struct PppPacket {
    std::uint16_t protocol = 0;
    std::uint8_t code = 0, identifier = 0;
    Bytes data;  // behind the length
    friend bool operator==(const PppPacket&, const PppPacket&) = default;
};
Bytes encode(const PppPacket&);  // a frame, FF 03 before it
std::optional<PppPacket> parse_ppp(ByteView frame);
std::string describe(const PppPacket&);  // "LCP 1"

struct PppOption {
    std::uint8_t type = 0;
    Bytes value;
    friend bool operator==(const PppOption&, const PppOption&) = default;
};
Bytes encode(const std::vector<PppOption>&);
std::vector<PppOption> parse_options(ByteView data);  // as far as they can be read
std::optional<Bytes> option(const PppPacket&, std::uint8_t type);
PppOption address_option(std::uint8_t type, Ipv4Address);

struct PppRogueOptions {
    bool client = true;
    bool pap = false;              // server: asks for PAP in place of MS-CHAPv2
    bool asks_who = true;          // server: false asks for no authentication at all
    std::string name, password;    // client: its own; server: of the only user
    Ipv4Address own, peers;        // server: its address, and the client's
    std::vector<Ipv4Address> dns;  // server
    std::uint16_t mru = 1400;
};

struct PppRogueHooks {
    std::function<std::vector<PppPacket>(PppPacket)> send;  // what is sent instead
    std::function<bool(const PppPacket&)> take;             // false: as if it had not come
};

class RoguePpp {
public:
    RoguePpp(PppRogueOptions options, Random& random, std::function<void(ByteView frame)> send);

    PppRogueHooks hooks;
    PppRogueOptions& options() { return options_; }  // changes hold until start()

    void start();               // LCP's Configure-Request
    void start_ipcp();          // after authentication; a client does it by itself
    void take(ByteView frame);  // from the peer

    // --- things to break it with ---
    void send(PppPacket);      // through the hook
    void send_raw(PppPacket);  // past it
    void send_frame(ByteView frame) { send_(frame); }
    static Bytes frame_of(ByteView inner);  // an IPv4 packet in a frame
    std::uint8_t next_identifier() { return identifier_++; }
    PppPacket configure_request(std::uint16_t protocol);  // as it would be sent
    PppPacket response_to(const PppPacket& challenge);    // client: of CHAP

    // Told when the client has proved who it is, and been told so. `keys` are there with MS-CHAPv2.
    std::function<void()> on_authenticated;

    // --- what it saw ---
    bool lcp_open() const { return lcp_.open(); }
    bool authenticated() const { return authenticated_; }
    bool up() const { return ipcp_.open(); }
    const std::optional<mschap::MasterKeys>& keys() const { return keys_; }
    Ipv4Address address() const { return options_.client ? address_ : options_.own; }  // its own
    std::uint32_t magic() const { return magic_; }
    const std::vector<PppPacket>& heard() const { return heard_; }  // all that could be read, in order
    std::size_t heard(std::uint16_t protocol, std::uint8_t code) const;
    const PppPacket* last(std::uint16_t protocol, std::uint8_t code) const;  // nullptr: none
    const std::deque<Bytes>& inner() const { return inner_; }                // IPv4 packets
    std::uint16_t peers_mru() const { return peers_mru_; }

private:
    // One of LCP and IPCP: what it asks for, and how far it got.
    struct Control {
        std::uint16_t protocol;
        std::vector<PppOption> wants;
        std::uint8_t asked_as = 0;
        bool acked = false, acks = false, told = false;
        bool open() const { return acked && acks; }
    };
    void configure(Control&);
    void handle_control(Control&, const PppPacket&);
    PppPacket judge(const Control&, const PppPacket& request) const;
    void learn(Control&, const PppPacket& refusal);
    void opened(Control&);
    void handle_pap(const PppPacket&);
    void handle_chap(const PppPacket&);
    void take_response(const PppPacket&);
    void authenticated_now();

    PppRogueOptions options_;
    Random& random_;
    std::function<void(ByteView)> send_;
    std::uint32_t magic_;
    std::uint8_t identifier_ = 1;
    Control lcp_{ppp_number::kLcp, {}}, ipcp_{ppp_number::kIpcp, {}};
    bool authenticated_ = false;
    bool by_pap_ = false;  // client: what the server asked for
    std::optional<mschap::MasterKeys> keys_;
    mschap::Challenge challenge_{};  // server: its own
    std::string expected_proof_;     // client: of the server
    Ipv4Address address_;            // client
    std::uint16_t peers_mru_ = 1500;
    std::vector<PppPacket> heard_;
    std::deque<Bytes> inner_;
};

}  // namespace gatelab::conformance
