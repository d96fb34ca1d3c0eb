// Names and passwords of SSTP's users, shown inside PPP.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "impl/ppp/session.h"

namespace gatelab::gateway {

class SstpSignIn {
public:
    explicit SstpSignIn(std::vector<ppp::Credentials> users);

    struct Accepted {
        std::string user;  // as the administrator wrote the name
        mschap::Success success;
    };
    // Nothing when the proof does not hold. A "DOMAIN\" before the name counts only for a user who has it in the list.
    // Takes the same time whoever is named and wherever the password differs.
    std::optional<Accepted> judge(const ppp::SignIn&) const;

private:
    std::vector<ppp::Credentials> users_;
    std::vector<Bytes> names_;  // digests: all of one length, so that a comparison tells nothing of the names' own
};

}  // namespace gatelab::gateway
