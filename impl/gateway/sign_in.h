// Names and passwords of OpenVPN's users, and the tokens that take the passwords' place.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "impl/base/random.h"
#include "impl/openvpn/listener.h"

namespace gatelab::gateway {

class SignIn {
public:
    // `random` outlives this.
    SignIn(const std::vector<openvpn::Credentials>& users, Random& random);

    // Takes the same time whoever is named and wherever the password differs.
    bool accepts(const openvpn::Credentials&) const;

    // The token with which this client, and no other, may sign in again.
    std::string issue_token(openvpn::ClientId);
    bool accepts_token(openvpn::ClientId, const std::string& password) const;
    void forget(openvpn::ClientId);

private:
    std::vector<Bytes> users_;                               // digests
    std::unordered_map<std::uint64_t, std::string> tokens_;  // by client; never walked
    Random& random_;
};

}  // namespace gatelab::gateway
