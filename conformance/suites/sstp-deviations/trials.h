// What the cases of this suite share: SSTP's trials of a gateway and of a client (conformance/trial.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/rogue_sstp_node.h"
#include "conformance/trial.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::sstp_deviations {

using Tweak = std::function<void(topologies::Topology&)>;

// A trial of either kind, with a rogue that speaks SSTP.
template <class Kind>
class SstpTrial : public Kind {
public:
    RogueSstpNode& node() { return *node_; }
    RogueSstp& peer() { return node_->peer(); }
    RoguePpp& ppp() { return peer().ppp(); }
    Rogue& rogue() override { return *node_; }

    // What comes in the place of the first message of that kind; `instead` may be empty.
    void replace(sstp::MessageType, std::function<std::vector<Bytes>(Bytes packet)> instead);
    // The other side aborts, for that reason where one is given, and hangs up soon after.
    bool expect_aborted(const std::string& because_of, std::optional<sstp::StatusCode> status = {},
                        Duration limit = std::chrono::seconds(10));
    // It hangs up at once, and says nothing about it (SSTP-29).
    bool expect_cut(const std::string& because_of, Duration limit = std::chrono::seconds(3));
    bool awaits(const std::string& what, const std::function<bool()>& condition,
                Duration limit = std::chrono::seconds(10));

protected:
    using Kind::Kind;
    SstpRogueOptions options_of(bool client) const;
    std::unique_ptr<RogueSstpNode> node_;
};

class RogueClient : public SstpTrial<ClientTrial> {
public:
    RogueClient(Context&, topologies::Topology);
    // Dials, and goes no further than that message of the gateway's.
    bool dial_to_answer();  // the HTTP answer: the Call Connect Request stays unsaid
    bool dial_to_ack();     // PPP does not begin
    bool dial_to_lcp();     // LCP is open, and the challenge stays without a response
    bool dial_to_proof();   // authenticated, and the Call Connected stays unsaid
    bool expect_no_session();
    // It gets nothing of what it did, and the next in the queue is served.
    void expect_refused_and_bob_served(const std::string& because_of, Duration limit = std::chrono::seconds(90));
};

class RogueServer : public SstpTrial<ServerTrial> {
public:
    RogueServer(Context&, topologies::Topology);
    void dial() { context_.client().connect(); }
};

// Cases of one kind. The id tells the deviation, the sentence what the honest side does about it.
Case against_gateway(std::string id, std::string requirement, std::string sentence, void (*check)(RogueClient&),
                     Tweak tweak = {}, std::vector<Need> needs = {});
Case against_client(std::string id, std::string requirement, std::string sentence, void (*check)(RogueServer&),
                    std::vector<Need> needs = {}, Tweak tweak = {});

// A control packet made by hand: type, a count, and attributes as they are.
Bytes control_packet(std::uint16_t type, std::uint16_t count, ByteView attributes);
Bytes attribute(std::uint8_t id, ByteView value);

}  // namespace gatelab::conformance::sstp_deviations
