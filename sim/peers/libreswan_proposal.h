// Rows of gatelab's policies in libreswan's words ("ike=", "phase2alg=").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/ikev2/policy.h"

namespace gatelab::sim::peers {

// "aes_gcm256-sha2_384-dh20"; nothing for what libreswan does not have: groups 2 and 24 are not compiled into it.
std::optional<std::string> to_libreswan(const ikev2::IkeSuite&);

// A policy as far as libreswan has it: rows that it does not have are left out. Unsupported when none is left.
Result<std::string> libreswan_ike(const std::vector<ikev2::IkeSuite>&);

// What is said of children: "aes_gcm256,aes256-sha1", or "aes_gcm256;dh20" with pfs. libreswan 4.10 cannot negotiate
// the group of a fresh exchange: asked to rekey with a group that is not its choice, it answers with a key of the wrong
// one instead of INVALID_KE_PAYLOAD (RFC 7296 section 1.3). So it is given one choice: no group when a row has none,
// else the first group that it has.
struct LibreswanChildren {
    std::string proposals;
    bool pfs = false;
    std::string extended_sequence_numbers;  // "yes", "no", "either": it is not a matter of a row
};
Result<LibreswanChildren> libreswan_children(const std::vector<ikev2::ChildSuite>&);

// What libreswan's log calls an IKE SA's algorithms ("cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_384 group=DH20"),
// or a child's ("AES_GCM_16_256-NONE-DH20"), as a row of gatelab's. "" when it cannot be read.
std::string ike_row_from_libreswan(std::string_view);
std::string child_row_from_libreswan(std::string_view, bool extended_sequence_numbers);

}  // namespace gatelab::sim::peers
