// The answer to a Configure-Request while its options are gone through one by one (RFC 1661 sections 5.2 to 5.4).
#pragma once

#include "impl/ppp/packet.h"

namespace gatelab::ppp {

struct Verdict {
    Code code = Code::ConfigureAck;  // or ConfigureNak, ConfigureReject
    Bytes options;                   // of the Nak or Reject; an Ack repeats the request's
};

class Judgement {
public:
    // Without `may_nak` a Nak becomes a Reject: RFC 1661 section 4.6, Max-Failure.
    explicit Judgement(bool may_nak) : may_nak_(may_nak) {}

    void nak(const Option& option, ByteView better) {
        if (!may_nak_) return reject(option);
        append_option(naks_, option.type, better);
    }
    void reject(const Option& option) { append_option(rejects_, option.type, option.value); }
    // Asks for an option that the request does not have (section 5.3).
    void miss(std::uint8_t type, ByteView wanted) { append_option(missed_, type, wanted); }

    // Rejects go before Naks: the peer asks again without those, and hears of the others then.
    Verdict verdict() && {
        if (!rejects_.empty()) return {Code::ConfigureReject, std::move(rejects_)};
        append(naks_, missed_);
        if (!naks_.empty()) return {Code::ConfigureNak, std::move(naks_)};
        return {};
    }

private:
    bool may_nak_;
    Bytes naks_, rejects_, missed_;
};

}  // namespace gatelab::ppp
