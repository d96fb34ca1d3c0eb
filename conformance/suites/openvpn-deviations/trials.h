// What the cases of this suite share: OpenVPN's trials of a gateway and of a client (conformance/trial.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conformance/case.h"
#include "conformance/context.h"
#include "conformance/rogue_node.h"
#include "conformance/trial.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::deviations {

using Tweak = std::function<void(topologies::Topology&)>;

// A trial of either kind, with a rogue that speaks OpenVPN.
template <class Kind>
class OpenVpnTrial : public Kind {
public:
    RogueNode& node() { return *node_; }
    RogueOpenVpn& peer() { return node_->peer(); }
    const openvpn::StaticKey& static_key() const { return static_key_; }
    bool tcp() const { return tcp_; }
    Rogue& rogue() override { return *node_; }

protected:
    OpenVpnTrial(Context&, topologies::Topology);
    openvpn::Options options_of(openvpn::Role, const std::string& certificate, const std::string& root) const;

    openvpn::StaticKey static_key_;
    bool tcp_;
    std::unique_ptr<RogueNode> node_;
};

class RogueClient : public OpenVpnTrial<ClientTrial> {
public:
    RogueClient(Context&, topologies::Topology);
};

class RogueServer : public OpenVpnTrial<ServerTrial> {
public:
    RogueServer(Context&, topologies::Topology);
    static openvpn::PushReply usual_grant();
};

// Steps against either side, in a tunnel that is up.
// One packet is sent `times` times, and as often again: it is delivered once.
void expect_replays_dropped(Trial&, int times);
void expect_changed_dropped(Trial&);
void expect_key_unknown(Trial&, RogueOpenVpn&, std::uint8_t key_id);  // of which nobody has heard
// Seals with a key that a case made up.
Bytes seal_with(openvpn::DataChannel&, ByteView inner);

// Cases of one kind. The id tells the deviation, the sentence what the honest side does about it.
Case against_gateway(std::string id, std::string requirement, std::string sentence, void (*check)(RogueClient&),
                     Tweak tweak = {}, std::vector<Need> needs = {});
Case against_client(std::string id, std::string requirement, std::string sentence, void (*check)(RogueServer&),
                    Tweak tweak = {}, std::vector<Need> needs = {});

void over_tcp(topologies::Topology&);  // a Tweak

}  // namespace gatelab::conformance::deviations
