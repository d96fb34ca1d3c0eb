// What MODP and ECP groups have in common.
#pragma once

#include "impl/crypto/key_agreement.h"
#include "impl/crypto/openssl.h"

namespace gatelab::crypto {

struct KeyAgreement::State {
    State(Group of, Bytes value) : group(of), public_value(std::move(value)) {}
    virtual ~State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    virtual Result<Bytes> derive(ByteView peer_public_value) const = 0;

    Group group;
    Bytes public_value;
};

using AgreementState = std::unique_ptr<KeyAgreement::State>;

// `private_value` is null to draw one. Malformed when it is out of the group's range.
Result<AgreementState> make_modp(Group, ByteView private_value);
Result<AgreementState> make_ecp(Group, ByteView private_value);

}  // namespace gatelab::crypto
