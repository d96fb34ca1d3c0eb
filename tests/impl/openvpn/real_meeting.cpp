#include "tests/impl/openvpn/real_meeting.h"

namespace gatelab::openvpn::test {
namespace {

StaticKey some_key() {
    SeededRandom random{3, "static key"};
    return StaticKey::generate(random);
}

}  // namespace

Wanted with_tls_auth(Transport transport) {
    Wanted wanted{.name = "tls-auth", .transport = transport};
    wanted.ours = [](Options& options) {
        const auto direction = options.role == Role::Server ? KeyDirection::Normal : KeyDirection::Inverse;
        options.auth = crypto::Hash::Sha256;
        options.protection = TlsAuth{some_key(), direction, crypto::Hash::Sha256};
    };
    wanted.theirs = "auth SHA256\n";
    wanted.server_only = "tls-auth ta.key 0\n";
    wanted.client_only = "tls-auth ta.key 1\n";
    wanted.files = {{"ta.key", some_key().to_pem()}};
    return wanted;
}

Wanted with_tls_crypt(Transport transport) {
    Wanted wanted{.name = "tls-crypt", .transport = transport};
    wanted.ours = [](Options& options) { options.protection = TlsCrypt{some_key()}; };
    wanted.theirs = "tls-crypt ta.key\n";
    wanted.files = {{"ta.key", some_key().to_pem()}};
    return wanted;
}

Wanted with_tls_crypt_v2(Transport transport) {
    SeededRandom random{4, "tls-crypt-v2"};
    const auto server = TlsCryptV2ServerKey::generate(random);
    const auto client = TlsCryptV2ClientKey::make(server, random).value();
    Wanted wanted{.name = "tls-crypt-v2", .transport = transport};
    wanted.ours = [=](Options& options) {
        if (options.role == Role::Client) {
            options.protection = TlsCryptV2{client};
        } else {
            options.protection = TlsCryptV2{server};
        }
    };
    wanted.server_only = "tls-crypt-v2 v2.key\n";
    wanted.client_only = "tls-crypt-v2 v2c.key\n";
    wanted.files = {{"v2.key", server.to_pem()}, {"v2c.key", client.to_pem()}};
    return wanted;
}

Wanted with_cipher(DataCipher cipher, const std::string& auth) {
    const std::string name{name_of(cipher)};
    Wanted wanted{.name = name + " " + auth};
    wanted.ours = [=](Options& options) {
        options.data_ciphers = {cipher};
        options.auth = auth == "SHA256" ? crypto::Hash::Sha256 : crypto::Hash::Sha1;
    };
    wanted.theirs = "data-ciphers " + name + "\nauth " + auth + "\n";
    return wanted;
}

}  // namespace gatelab::openvpn::test
