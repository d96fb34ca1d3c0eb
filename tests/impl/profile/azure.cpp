#include "tests/impl/profile/azure.h"

namespace gatelab::profile {
namespace {

crypto::CertificateRequest request(std::string name, std::vector<crypto::Purpose> purposes) {
    return {.common_name = std::move(name),
            .dns_names = {},
            .email_addresses = {},
            .ip_addresses = {},
            .purposes = std::move(purposes),
            .not_before = instant_from_unix(1'735'689'600),
            .not_after = instant_from_unix(2'051'222'400)};
}

Azure make() {
    const auto root = crypto::make_root(request("Root", {}), crypto::PrivateKey::generate_rsa(2048));
    const auto key = crypto::PrivateKey::generate_rsa(2048);
    Azure made{root,
               crypto::issue(root, request("gw.vpn.azure.com", {crypto::Purpose::ServerAuth}), key),
               crypto::issue(root, request("alice", {crypto::Purpose::ClientAuth}), key),
               {}};
    auto& profile = made.profile;
    profile.remotes = {{"gw.vpn.azure.com", 443, {}}};
    profile.transport = openvpn::Transport::Tcp;
    profile.verify_x509_name = "gw.vpn.azure.com";
    profile.remote_cert_tls_server = true;
    profile.auth = crypto::Hash::Sha256;
    profile.cipher = openvpn::DataCipher::Aes256Gcm;
    profile.tls_timeout = std::chrono::seconds(30);
    profile.tls_version_min = tls::Version::Tls12;
    profile.key_direction = openvpn::KeyDirection::Inverse;
    profile.log = "openvpn.log";
    profile.ca = made.root.certificate.to_pem();
    SeededRandom random{1, "profile"};
    profile.tls_auth = openvpn::StaticKey::generate(random).to_pem();
    profile.certificate = made.user.certificate.to_pem();
    profile.key = made.user.key.to_pem();
    return made;
}

}  // namespace

const Azure& azure() {
    static const Azure made = make();
    return made;
}

}  // namespace gatelab::profile
