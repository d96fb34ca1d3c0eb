// An SSTP peer, TLS and PPP inside, that a case holds in its hand. By itself it keeps to [MS-SSTP]; a case breaks one
// rule by a hook, or by sending something at the wrong time. It has no timers: what it did not say stays unsaid.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "conformance/rogue_ppp.h"
#include "impl/base/time.h"
#include "impl/sstp/crypto_binding.h"
#include "impl/sstp/packet.h"
#include "impl/tls/engine.h"

namespace gatelab::conformance {

inline const std::string kSstpUri = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/";  // SSTP-01

struct SstpRogueOptions {
    bool client = true;
    tls::Options tls;
    PppRogueOptions ppp;
    std::string host = "vpn.gatelab.example";
    std::uint8_t hashes = sstp::kSha1 | sstp::kSha256;  // server: offered
};

// Where a rogue leaves the protocol. A hook that is not set changes nothing.
struct SstpRogueHooks {
    std::function<Bytes(Bytes head)> http;                                          // of its request or answer
    std::function<std::vector<Bytes>(const sstp::Message&, Bytes packet)> control;  // packets sent instead
    std::function<bool(const sstp::Message&)> take;                                 // false: as if it had not come
    std::function<Bytes(Bytes records)> tls;                                        // what TLS sends
    bool starts_ppp = true;
    bool sends_connected = true;  // client: Call Connected, once it has been authenticated
};

class RogueSstp {
public:
    RogueSstp(SstpRogueOptions options, Random& random, std::function<void(ByteView bytes)> send);
    RogueSstp(const RogueSstp&) = delete;
    RogueSstp& operator=(const RogueSstp&) = delete;

    SstpRogueHooks hooks;
    SstpRogueOptions& options() { return options_; }  // of TLS: before start()
    RoguePpp& ppp() { return ppp_; }

    void start(Instant now);  // the connection is up
    void handle_bytes(Instant now, ByteView bytes);

    // --- things to break it with ---
    void write(Instant now, ByteView plaintext);  // in TLS, as it is
    void write(ByteView plaintext) { write(now_, plaintext); }
    void send(const sstp::Message&);      // through the hook
    void send_raw(const sstp::Message&);  // past it
    Bytes call_connected() const;         // with a crypto binding that holds
    Bytes http_request() const;
    static Bytes data_packet(ByteView frame);  // SSTP's header, and a PPP frame
    void close_tls(Instant now);

    // --- what it saw ---
    bool tls_up() const { return tls_ && tls_->is_established(); }
    const std::string& tls_version() const { return tls_version_; }  // "TLSv1.2/TLS_ECDHE_..."
    const std::string& ended() const { return ended_; }              // why TLS ended
    const std::string& http() const { return http_; }                // the other side's head, and what follows no SSTP
    int http_status() const;                                         // client: of the answer; 0: none
    struct Heard {
        Instant at{};
        sstp::Message message;
        Bytes packet;
    };
    const std::vector<Heard>& heard() const { return heard_; }  // control packets that could be read
    std::size_t heard(sstp::MessageType) const;
    const Heard* first(sstp::MessageType) const;  // nullptr: none
    // Of all Naks and Aborts, or of one kind: "nak encapsulated-protocol-id: value-not-supported".
    std::vector<sstp::StatusInfo> statuses(sstp::MessageType) const;
    std::size_t packets() const { return packets_; }  // SSTP's, of either kind
    const std::optional<sstp::CryptoBindingRequest>& binding_request() const { return asked_; }
    std::string broken_part() const { return broken_part_; }  // server: of the client's crypto binding
    bool up() const { return connected_ && ppp_.up(); }

private:
    void drain();
    void take_plaintext();
    bool take_head();
    void take_message(const sstp::Message&, ByteView packet);
    void take_as_client(const sstp::Message&);
    void take_as_server(const sstp::Message&, ByteView packet);
    void say_head(Bytes head);
    void prove();

    SstpRogueOptions options_;
    Random& random_;
    std::function<void(ByteView)> send_;
    Instant now_{};
    std::optional<tls::Engine> tls_;
    RoguePpp ppp_;
    std::string tls_version_, ended_, http_;
    Bytes certificate_;  // of the server, DER
    bool http_done_ = false, connected_ = false, ppp_begun_ = false;
    Bytes pending_;
    std::optional<sstp::CryptoBindingRequest> asked_;
    std::string broken_part_;
    std::vector<Heard> heard_;
    std::size_t packets_ = 0;
};

}  // namespace gatelab::conformance
