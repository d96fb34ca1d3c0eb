// What cases with a rogue share, whatever it speaks: a rogue that dials the gateway of a pair, beside whom an honest
// client dials too; and a rogue gateway that the client of a pair dials.
//
//   alice (the rogue) --- isp --- gateway --- vnet --- app1          alice --- isp --- gateway (the rogue)
//   bob (honest) ----------+
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/case.h"
#include "conformance/context.h"
#include "impl/crypto/certificates.h"

namespace gatelab::conformance {

// What a trial looks at in a rogue.
class Rogue {
public:
    virtual ~Rogue() = default;
    virtual Instant now() const = 0;
    virtual void dial() = 0;                  // client: begins, and keeps to the protocol but for what a case changed
    virtual bool is_up() const = 0;           // inner packets can flow
    virtual bool was_closed() const = 0;      // over TCP: the other side closed, or the connection broke
    virtual std::string ended() const = 0;    // what it knows about why it is not up
    virtual Ipv4Address address() const = 0;  // of its own, in the tunnel
    virtual Bytes seal(ByteView inner) = 0;   // a packet to send, with `inner` in it
    virtual void send_sealed(ByteView packet) = 0;       // as it is
    virtual const std::deque<Bytes>& inner() const = 0;  // what came to it through the tunnel
    virtual std::size_t heard() const = 0;               // packets or messages of any kind
};

// Certificates beside those of worlds.h, for rogues: one of another user, under the root that the gateway trusts; one
// of another server, under the root that clients trust; and one that nobody trusts.
inline const std::string kMallory = "mallory", kOtherServer = "other.gatelab.example", kStranger = "stranger";

class Trial {
public:
    virtual ~Trial() = default;
    Context& context() { return context_; }
    Instant now() { return rogue().now(); }
    void pass_time(Duration duration) { context_.scenario().run_for(duration); }
    bool wait(const std::function<bool()>& condition, Duration limit = std::chrono::seconds(10)) {
        return context_.scenario().run_until(condition, limit);
    }
    virtual Rogue& rogue() = 0;
    // Of the topology.
    crypto::Identity identity(const std::string& certificate) const;
    crypto::TrustStore trust(const std::string& root) const;

    virtual bool connect() = 0;  // whoever dials; notes that it worked

    // Sends an echo request through the tunnel; whether it was answered within some seconds. `send` may send another
    // packet in place of the one that it is given.
    bool echo(const std::function<void(Bytes packet)>& send = {});
    Bytes next_echo();      // the octets of an inner echo request, each with a number of its own
    std::size_t replies();  // to all of them so far
    bool expect_alive();    // the rogue's own tunnel still carries packets
    // Sends something that holds an echo request: it must not be answered, and the tunnel must live on.
    void expect_dropped(const std::string& what, const std::function<void(Bytes packet)>& send);
    // Nothing at all comes back within some seconds after `deed`.
    bool expect_no_answer(const std::string& to_what, const std::function<void()>& deed);
    // The other side closes the connection, over TCP.
    bool expect_hung_up(const std::string& because_of, Duration limit);

protected:
    Trial(Context& context, topologies::Topology topology) : context_(context), topology_(std::move(topology)) {}
    virtual Ipv4Address other_end() = 0;          // of the rogue's echo requests
    virtual std::string honest_side() const = 0;  // "the gateway"

    Context& context_;
    topologies::Topology topology_;

private:
    std::uint16_t sequence_ = 0;
};

// The rogue is the client.
class ClientTrial : public Trial {
public:
    using Trial::Trial;
    bool connect() override;
    bool expect_up(const std::string& in_spite_of);  // it gets a tunnel after all
    bool expect_refused(const std::string& because_of, Duration limit = std::chrono::seconds(90));
    bool expect_gone(Duration limit = std::chrono::seconds(90));  // the gateway has no session any more
    bool expect_honest_client();                                  // bob dials and reaches app1

protected:
    Ipv4Address other_end() override;
    std::string honest_side() const override { return "the gateway"; }
};

// The rogue is the gateway.
class ServerTrial : public Trial {
public:
    using Trial::Trial;
    bool connect() override;
    bool expect_up(const std::string& in_spite_of);
    // The client's attempt fails within `limit`, and it never has a tunnel.
    bool expect_refused(const std::string& because_of, Duration limit = std::chrono::seconds(100));
    bool expect_never_up(const std::string& because_of);  // in a hundred seconds
    bool expect_down(const std::string& because_of, Duration limit = std::chrono::seconds(100));

protected:
    Ipv4Address other_end() override;
    std::string honest_side() const override { return "the client"; }
};

// A world for them: alice's or the gateway's machine stands there and nobody plays on it. Bob dials as alice would,
// with a certificate of his own.
topologies::Topology with_rogue_client(topologies::Topology);
topologies::Topology with_rogue_gateway(topologies::Topology);

// A case of a trial; `world` is built anew where it is checked, so that the rogue has the run's certificates.
template <class OneTrial>
Case trial_of(Side looks_at, std::string id, std::string requirement, std::string sentence, void (*check)(OneTrial&),
              std::function<topologies::Topology(const Pair&)> world, std::vector<Need> needs) {
    Case made;
    made.id = (looks_at == Side::Gateway ? "gateway-" : "client-") + std::move(id);
    made.requirements = {std::move(requirement)};
    made.sentence = std::move(sentence) + ".";
    made.needs = std::move(needs);
    made.looks_at = looks_at;
    made.topology = world;
    made.check = [check, world = std::move(world)](Context& context) {
        OneTrial trial{context, world(context.pair())};
        check(trial);
    };
    return made;
}

}  // namespace gatelab::conformance
