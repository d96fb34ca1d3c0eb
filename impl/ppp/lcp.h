// What LCP negotiates here (RFC 1661 section 6): the MRU, how the client proves who it is, magic numbers. Of a peer's
// other options those that bind nobody are taken, all others rejected.
#pragma once

#include <optional>
#include <vector>

#include "impl/base/random.h"
#include "impl/ppp/control_protocol.h"
#include "impl/ppp/session.h"

namespace gatelab::ppp {

class Lcp {
public:
    Lcp(const Options&, Random&);

    Bytes request() const;
    Verdict judge(const std::vector<Option>&, bool may_nak);
    Result<void> take_nak(const std::vector<Option>&);
    Result<void> take_reject(const std::vector<Option>&);
    Result<void> check() const;

    // What was settled; of use once the layer is up.
    std::optional<Authentication> authentication() const;  // of the client
    std::uint32_t magic() const { return magic_.value_or(0); }
    std::uint16_t peer_mru() const { return peer_mru_; }

    // Whether authentication is what keeps us from an agreement.
    bool lacks_authentication() const;
    bool looks_looped() const { return mirrors_ >= kMirrorsOfALoop; }

private:
    static constexpr int kMirrorsOfALoop = 3;  // a magic number may be the peer's own by chance, not so often

    bool is_server() const { return role_ == Role::Server; }
    void judge_option(Judgement&, const Option&);
    void judge_mru(Judgement&, const Option&);
    void judge_authentication(Judgement&, const Option&);
    Bytes fresh_magic();
    Result<void> offer_other(std::optional<Authentication> wanted);

    Role role_;
    Random* random_;
    std::vector<Authentication> methods_;  // server: not refused yet, the first is asked for
    std::uint16_t least_mru_;
    std::optional<std::uint16_t> mru_;  // that we announce
    std::optional<std::uint32_t> magic_;
    std::optional<std::uint32_t> naked_magic_;  // that we put into a Nak last
    std::optional<Authentication> asked_of_us_;
    std::uint16_t peer_mru_;
    bool is_refused_ = false;  // server: by a client that does no authentication of ours
    bool has_judged_ = false;  // a request of the peer
    int mirrors_ = 0;          // of our own packets that came back
};

}  // namespace gatelab::ppp
