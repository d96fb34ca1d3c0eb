// One control protocol on a link, LCP or IPCP: RFC 1661's automaton, its packets, its patience.
//
// What is negotiated is the Policy's (lcp.h, ipcp.h). Packets with codes above Code-Reject are the owner's.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "impl/ppp/fsm.h"
#include "impl/ppp/judgement.h"
#include "impl/ppp/packet.h"

namespace gatelab::ppp {

enum class WhyDown { Asked, PeerTerminated, Silent, Rejected };

// What a Policy is asked. Errors are sentences: this link comes to nothing.
//
//   Bytes request() const;                               the options that we ask for now
//   Verdict judge(const std::vector<Option>&, bool may_nak);  of the peer's request
//   Result<void> take_nak(const std::vector<Option>&);   what it would have instead
//   Result<void> take_reject(const std::vector<Option>&);
//   Result<void> check() const;                          both sides agreed: is it enough?
template <class Policy>
class ControlProtocol {
public:
    struct Send {
        Code code;
        Bytes packet;
    };
    struct Up {};
    struct Down {
        WhyDown why;  // where the layer is on its way to Finished
    };
    struct Finished {
        WhyDown why;
    };
    struct Failed {  // no agreement will come of this; the owner closes
        std::string why;
    };
    struct Dropped {
        Error error;
    };
    using Output = std::variant<Send, Up, Down, Finished, Failed, Dropped>;

    // `max_failure`: Naks that we send before they become Rejects, and that we take in a row.
    ControlProtocol(FsmLimits limits, int max_failure, Policy policy)
        : policy_(std::move(policy)),
          fsm_(limits),
          max_failure_(max_failure),
          max_requests_(4 * limits.max_configure) {}

    void up(Instant now) { feed(now, FsmEvent::Up); }
    void down(Instant now) { feed(now, FsmEvent::Down); }
    void open(Instant now) { feed(now, FsmEvent::Open); }
    void close(Instant now) { feed(now, FsmEvent::Close); }
    void handle_packet(Instant now, const Packet&);  // of a code up to CodeReject; others are rejected
    // A Protocol-Reject, or a rejected code, about this protocol.
    void handle_rejected(Instant now, bool catastrophic);
    bool answers_echo(Instant now);  // an Echo-Request came: is it to be answered?
    void handle_timeout(Instant now);
    std::optional<Instant> next_timeout() const { return fsm_.next_timeout(); }
    std::vector<Output> drain() { return std::exchange(outputs_, {}); }

    void send(Code, std::uint8_t identifier, ByteView data);
    std::uint8_t next_identifier() { return ++identifier_; }
    FsmState state() const { return fsm_.state(); }
    Policy& policy() { return policy_; }
    const Policy& policy() const { return policy_; }

private:
    void feed(Instant, FsmEvent, const Packet* = nullptr, const Verdict* = nullptr);
    void act(FsmAction, const Packet*, const Verdict*);
    void take_request(Instant, const Packet&);
    void take_ack(Instant, const Packet&);
    void take_refusal(Instant, const Packet&);
    void take_code_reject(Instant, const Packet&);
    void send_request(bool anew);
    void send_code_reject(const Packet&);
    void drop(Error error) { outputs_.emplace_back(Dropped{std::move(error)}); }
    void ignore(std::string why) { drop({Fault::Refused, std::move(why)}); }  // well formed, out of place
    void fail_with(std::string why) { outputs_.emplace_back(Failed{std::move(why)}); }

    Policy policy_;
    Fsm fsm_;
    int max_failure_, max_requests_;
    std::uint8_t identifier_ = 0, request_identifier_ = 0;
    Bytes asked_;                                // the options of the request that is out
    bool is_asked_ = false;                      // a request is out, and nothing valid has answered it
    int refusals_taken_ = 0;                     // in a row, of our requests
    int refusals_sent_ = 0, requests_sent_ = 0;  // since the layer was last up
    WhyDown why_down_ = WhyDown::Asked;
    std::vector<Output> outputs_;
};

}  // namespace gatelab::ppp
