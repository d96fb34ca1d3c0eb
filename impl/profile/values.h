// Values as profiles spell them. Internal to this folder. Errors say what was found and what was expected.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "impl/base/result.h"
#include "impl/base/time.h"
#include "impl/crypto/algorithms.h"
#include "impl/openvpn/options.h"
#include "impl/tls/policy.h"

namespace gatelab::profile {

std::string_view auth_name(crypto::Hash);  // "SHA256"
Result<crypto::Hash> auth_of(const std::string& name);

Result<std::uint64_t> number_of(const std::string& text, std::uint64_t least, std::uint64_t most);
Result<Duration> seconds_of(const std::string& text);
Result<openvpn::Transport> transport_of(const std::string& proto);
Result<openvpn::DataCipher> cipher_of(const std::string& name);

// A suite of tls-cipher: IANA's name with dashes, or OpenSSL's.
Result<std::string> tls12_suite_of(const std::string& name);

std::vector<std::string> split_at_colons(std::string_view list);

// The text of a file beside the profile. At most 1 MiB of a regular file.
Result<std::string> read_beside(const std::string& profile, const std::string& name);

}  // namespace gatelab::profile
