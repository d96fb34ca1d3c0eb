// What the cases of this suite share: a rogue that dials the gateway of a pair, beside whom an honest client dials too;
// and a rogue gateway that the client of a pair dials.
//
//   alice (the rogue) --- isp --- gateway --- vnet --- app1          alice --- isp --- gateway (the rogue)
//   bob (honest) ----------+
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conformance/case.h"
#include "conformance/context.h"
#include "conformance/rogue_node.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::deviations {

using Tweak = std::function<void(topologies::Topology&)>;

// Certificates beside those of worlds.h, for rogues: one of another user, under the root that the gateway trusts; one
// of another server, under the root that clients trust; and one that nobody trusts.
inline const std::string kMallory = "mallory", kOtherServer = "other.gatelab.example", kStranger = "stranger";

class Trial {
public:
    virtual ~Trial() = default;
    Context& context() { return context_; }
    RogueNode& node() { return *node_; }
    RogueOpenVpn& peer() { return node_->peer(); }
    Instant now() { return node_->now(); }
    void pass_time(Duration duration) { context_.scenario().run_for(duration); }
    bool wait(const std::function<bool()>& condition, Duration limit = std::chrono::seconds(10)) {
        return context_.scenario().run_until(condition, limit);
    }
    crypto::Identity identity(const std::string& certificate) const;  // of the topology
    const openvpn::StaticKey& static_key() const { return static_key_; }
    bool tcp() const { return tcp_; }

    // Nothing at all comes back within some seconds after `deed`.
    bool expect_no_answer(const std::string& to_what, const std::function<void()>& deed);

protected:
    Trial(Context&, topologies::Topology);
    openvpn::Options options_of(openvpn::Role, const std::string& certificate, const std::string& root) const;

    Context& context_;
    topologies::Topology topology_;
    openvpn::StaticKey static_key_;
    bool tcp_;
    std::unique_ptr<RogueNode> node_;
};

// The rogue is the client.
class RogueClient : public Trial {
public:
    RogueClient(Context&, topologies::Topology);

    // Dials, and has options pushed; notes that it worked.
    bool connect();
    // Sends an echo request through the tunnel; whether it was answered within some seconds.
    bool echo(const std::function<void(Bytes packet)>& send = {});
    bool expect_alive();                             // its own tunnel still carries packets
    bool expect_up(const std::string& in_spite_of);  // it gets its options after all
    bool expect_refused(const std::string& because_of, Duration limit = std::chrono::seconds(90));
    bool expect_gone(Duration limit = std::chrono::seconds(90));  // the gateway has no session any more
    bool expect_honest_client();                                  // bob dials and reaches app1
    // The octets of an inner echo request of the rogue's, each with a number of its own.
    Bytes next_echo();
    std::size_t replies();  // to all of them so far

private:
    std::uint16_t sequence_ = 0;
};

// The rogue is the gateway.
class RogueServer : public Trial {
public:
    RogueServer(Context&, topologies::Topology);

    static openvpn::PushReply usual_grant();
    bool connect();  // the client dials and is up; notes it
    bool expect_alive();
    bool echo(const std::function<void(Bytes packet)>& send = {});
    bool expect_up(const std::string& in_spite_of);
    // The client's attempt fails within `limit`, and it never has a tunnel.
    bool expect_refused(const std::string& because_of, Duration limit = std::chrono::seconds(100));
    bool expect_never_up(const std::string& because_of);  // in a hundred seconds
    bool expect_down(const std::string& because_of, Duration limit = std::chrono::seconds(100));
    Bytes next_echo();
    std::size_t replies();

private:
    std::uint16_t sequence_ = 0;
};

// Cases of one kind. The id tells the deviation, the sentence what the honest side does about it.
Case against_gateway(std::string id, std::string requirement, std::string sentence, void (*check)(RogueClient&),
                     Tweak tweak = {}, std::vector<Need> needs = {});
Case against_client(std::string id, std::string requirement, std::string sentence, void (*check)(RogueServer&),
                    Tweak tweak = {}, std::vector<Need> needs = {});

void over_tcp(topologies::Topology&);  // a Tweak

}  // namespace gatelab::conformance::deviations
