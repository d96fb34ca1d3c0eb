#include "sim/gatelab_sstp.h"

namespace gatelab::sim {
namespace {

Result<std::vector<ppp::Authentication>> methods_of(const std::vector<std::string>& words) {
    std::vector<ppp::Authentication> methods;
    for (const auto& word : words) {
        if (word == "mschapv2")
            methods.push_back(ppp::Authentication::MsChapV2);
        else if (word == "pap")
            methods.push_back(ppp::Authentication::Pap);
        else
            return fail(Fault::Unsupported, "there is no PPP authentication \"" + word + "\"");
    }
    return methods;
}

Result<std::uint8_t> hashes_of(const std::vector<std::string>& words) {
    std::uint8_t hashes = 0;
    for (const auto& word : words) {
        if (word == "SHA256")
            hashes |= sstp::kSha256;
        else if (word == "SHA1")
            hashes |= sstp::kSha1;
        else
            return fail(Fault::Unsupported, "there is no hash \"" + word + "\" of the crypto binding");
    }
    return hashes;
}

}  // namespace

Result<void> offer_sstp(gateway::Config& gateway, const topologies::Gateway& node) {
    const auto& said = node.sstp;
    auto& config = gateway.sstp.emplace();
    config.port = said.port;
    const auto policy = tls::profile_of(said.tls_policy);
    if (!policy) return fail(Fault::Unsupported, "there is no TLS policy \"" + said.tls_policy + "\"");
    config.tls_policy = tls::p2s_policy(*policy, tls::Carrier::Sstp);
    for (const auto& user : node.users) config.users.push_back({user.name, user.password});
    auto methods = methods_of(said.authentication);
    if (!methods) return pass(methods);
    config.authentication = std::move(*methods);
    const auto hashes = hashes_of(said.hashes);
    if (!hashes) return pass(hashes);
    config.hashes = *hashes;
    config.mru = said.mru;
    config.negotiation = said.negotiation;
    config.hello = said.hello;
    return {};
}

}  // namespace gatelab::sim
