#include "impl/gateway/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "impl/gateway/address_pool.h"

namespace gatelab::gateway {
namespace {

constexpr std::uint8_t kSmallestPool = 29;  // prefix length, P2S-FAQ-09
constexpr std::uint16_t kSmallestMtu = 576;
// What fits into an SSTP packet behind its header, PPP's address and control, and its protocol.
constexpr std::size_t kLargestMru = sstp::kLargestPacket - sstp::kHeaderSize - 4;

Result<void> refuse(std::string why) { return fail(Fault::Refused, "gateway configuration: " + std::move(why)); }

Result<void> check_ikev2(const Config& config) {
    const auto& ikev2 = *config.ikev2;
    if (ikev2.identification.data.empty()) return refuse("the identification is missing");
    if (!config.certificate && !ikev2.pre_shared_key)
        return refuse("neither a certificate nor a pre-shared key is given");
    if (config.certificate && !config.client_roots && !ikev2.pre_shared_key) {
        return refuse("with a certificate alone, a client root certificate is needed: no client could prove who it is");
    }
    if (ikev2.ike_policy.empty()) return refuse("the IKE policy is empty");
    if (ikev2.ipsec_policy.empty()) return refuse("the IPsec policy is empty");
    return {};
}

Result<void> check_openvpn(const Config& config) {
    const auto& openvpn = *config.openvpn;
    if (!openvpn.tcp_port && !openvpn.udp_port) return refuse("OpenVPN has neither a TCP nor a UDP port");
    if (!config.certificate) return refuse("OpenVPN needs a certificate of the gateway");
    if (openvpn.certificate_required && !config.client_roots) {
        return refuse("OpenVPN requires certificates of clients, and no client root certificate is given");
    }
    if (!openvpn.certificate_required && openvpn.users.empty()) {
        return refuse("OpenVPN requires no certificates and has no users: no client could prove who it is");
    }
    if (openvpn.data_ciphers.empty()) return refuse("OpenVPN has no data cipher");
    return {};
}

Result<void> check_sstp(const Config& config) {
    const auto& sstp = *config.sstp;
    if (config.openvpn && config.openvpn->tcp_port == sstp.port) {
        return refuse(fmt::format("SSTP and OpenVPN exclude each other on TCP port {}", sstp.port));
    }
    if (!config.certificate) return refuse("SSTP needs a certificate of the gateway");
    if (sstp.users.empty()) return refuse("SSTP has no users: no client could prove who it is");
    for (const auto& user : sstp.users)
        if (user.name.empty() || user.password.empty()) return refuse("a user of SSTP has no name or no password");
    if (sstp.authentication.empty()) return refuse("SSTP has no authentication method");
    if ((sstp.hashes & (sstp::kSha1 | sstp::kSha256)) == 0) return refuse("SSTP has no hash for the crypto binding");
    if (sstp.mru > kLargestMru) return refuse(fmt::format("SSTP's MRU {} is above {}", sstp.mru, kLargestMru));
    if (sstp.negotiation <= Duration::zero() || sstp.http_within <= Duration::zero()) {
        return refuse("SSTP's times for HTTP and for the negotiation must be above 0");
    }
    return {};
}

Result<void> check_pool(const Config& config) {
    const auto pool = config.client_address_pool;
    if (pool.length() > kSmallestPool) {
        return refuse(fmt::format("the client address pool {} is smaller than /29", to_string(pool)));
    }
    for (const auto& network : config.networks) {
        if (!pool.overlaps(network)) continue;
        return refuse(
            fmt::format("the client address pool {} overlaps the network {}", to_string(pool), to_string(network)));
    }
    return {};
}

}  // namespace

Result<void> check(const Config& config) {
    if (config.public_address.is_unspecified()) return refuse("the public address is missing");
    if (!config.ikev2 && !config.openvpn && !config.sstp) return refuse("no tunnel type is offered");
    if (config.ikev2)
        if (const auto sound = check_ikev2(config); !sound) return sound;
    if (config.openvpn)
        if (const auto sound = check_openvpn(config); !sound) return sound;
    if (config.sstp)
        if (const auto sound = check_sstp(config); !sound) return sound;
    if (const auto sound = check_pool(config); !sound) return sound;
    if (tunnel_mtu(config) < kSmallestMtu) {
        return refuse(fmt::format("the tunnel's MTU {} is below {}", tunnel_mtu(config), kSmallestMtu));
    }
    return {};
}

std::vector<Prefix> pool_of(const Config& config, TunnelType type) {
    const auto pool = config.client_address_pool;
    if (!config.sstp || (!config.ikev2 && !config.openvpn)) return {pool};
    auto parts = split(pool);
    return type == TunnelType::Sstp ? std::vector{parts.sstp} : std::move(parts.others);
}

std::vector<Prefix> granted_prefixes(const Config& config) {
    auto all = config.networks;
    all.insert(all.end(), config.custom_routes.begin(), config.custom_routes.end());
    const auto pool = pool_of(config, TunnelType::IkeV2), of_sstp = pool_of(config, TunnelType::Sstp);
    all.insert(all.end(), pool.begin(), pool.end());
    if (of_sstp != pool) all.insert(all.end(), of_sstp.begin(), of_sstp.end());
    return all;
}

std::uint16_t tunnel_mtu(const Config& config) {
    auto smallest = std::numeric_limits<std::uint16_t>::max();
    if (config.ikev2) smallest = std::min(smallest, config.ikev2->tunnel_mtu);
    if (config.openvpn) smallest = std::min(smallest, config.openvpn->tun_mtu);
    if (config.sstp) smallest = std::min(smallest, config.sstp->mru);
    return smallest;
}

}  // namespace gatelab::gateway
