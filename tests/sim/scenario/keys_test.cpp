#include "sim/keys.h"

#include <gmock/gmock.h>

#include "sim/wireshark_profile.h"
#include "tests/sim/scenario/openvpn_sample.h"
#include "tests/sim/scenario/sample.h"

namespace gatelab::sim {
namespace {

ikev2::SaKeys gcm_keys() {
    ikev2::SaKeys keys;
    keys.spi_i = 0x0102030405060708;
    keys.spi_r = 0xf1;
    keys.sk_ei = Bytes(36, 0x11);
    keys.sk_er = Bytes(36, 0x22);
    return keys;
}

TEST(KeyFiles, WriteAnIkeSaWithAesGcmAsWiresharkReadsIt) {
    EXPECT_EQ(to_ikev2_line(gcm_keys()), "0102030405060708,00000000000000f1," + to_hex(Bytes(36, 0x11)) + "," +
                                             to_hex(Bytes(36, 0x22)) +
                                             ",\"AES-GCM-256 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\"");
}

TEST(KeyFiles, WriteAnIkeSaWithCbcAndHmacAsWiresharkReadsIt) {
    auto keys = gcm_keys();
    keys.suite = {ikev2::Encryption::AesCbc, 128, ikev2::Integrity::HmacSha256_128, ikev2::Prf::HmacSha256,
                  crypto::Group::Modp2048};
    keys.sk_ai = Bytes{0xaa};
    keys.sk_ar = Bytes{0xbb};
    EXPECT_THAT(to_ikev2_line(keys),
                testing::EndsWith(",\"AES-CBC-128 [RFC3602]\",aa,bb,\"HMAC_SHA2_256_128 [RFC4868]\""));
}

esp::Parameters esp_parameters() {
    esp::Parameters parameters;
    parameters.spi = esp::Spi{0xc0ffee};
    parameters.encryption_key = Bytes{1, 2, 3};
    return parameters;
}

TEST(KeyFiles, WriteAnEspSaForAnyAddresses) {
    EXPECT_EQ(to_esp_line(esp_parameters()),
              R"("IPv4","*","*","0x00c0ffee","AES-GCM with 16 octet ICV [RFC4106]","0x010203","NULL","")");
}

TEST(KeyFiles, WriteTheIntegrityKeyOfAnEspSa) {
    auto parameters = esp_parameters();
    parameters.suite = {esp::Cipher::AesCbc, 256, esp::Integrity::HmacSha384_192, false};
    parameters.integrity_key = Bytes{4, 5};
    EXPECT_THAT(to_esp_line(parameters),
                testing::EndsWith(R"("AES-CBC [RFC3602]","0x010203","HMAC-SHA-384-192 [RFC4868]","0x0405")"));
}

TEST(KeyFiles, KeepWhatBothEndsReportOnce) {
    KeyLog log;
    log.add(esp_parameters());
    log.add(esp_parameters());
    log.add(gcm_keys());
    EXPECT_EQ(log.esp_table(), to_esp_line(esp_parameters()) + "\n");
    EXPECT_EQ(log.ikev2_table(), to_ikev2_line(gcm_keys()) + "\n");
}

TEST(KeyFiles, KeepTheKeysOfTls) {
    KeyLog log;
    log.add_tls_line("CLIENT_RANDOM 01 02");
    log.add_tls_line("CLIENT_RANDOM 01 02");
    log.add_tls_line("CLIENT_RANDOM 03 04");
    EXPECT_EQ(log.tls_lines(), "CLIENT_RANDOM 01 02\nCLIENT_RANDOM 03 04\n");
}

TEST(WiresharkProfile, TellsHowOpenVpnIsProtectedAndOnWhichPorts) {
    using testing::HasSubstr;
    using testing::Not;
    const auto azure = wireshark_profile_of(openvpn_office("openvpn: {transport: tcp}", ""));
    EXPECT_THAT(azure.preferences, HasSubstr("tls.keylog_file: keys/sslkeylog.txt\n"));
    EXPECT_THAT(azure.preferences, HasSubstr("openvpn.tls_auth: TRUE\nopenvpn.tls_auth_hmac_size: 32\n"));
    EXPECT_EQ(azure.decode_as_entries, "decode_as_entry: tcp.port,443,TLS,OpenVPN\n");
    const auto crypt = wireshark_profile_of(
        openvpn_office("openvpn: {transport: udp}", "tcp_port: 1194, udp_port: 1195, protection: tls-crypt"));
    EXPECT_THAT(crypt.preferences, HasSubstr("openvpn.tls_crypt: TRUE\n"));
    EXPECT_THAT(crypt.preferences, Not(HasSubstr("tls_auth")));
    EXPECT_EQ(crypt.decode_as_entries, "decode_as_entry: udp.port,1195,(none),OpenVPN\n");
    EXPECT_THAT(wireshark_profile_of(office().topology()).preferences, Not(HasSubstr("openvpn")));
}

TEST(WiresharkProfile, LeavesSstpToWiresharkWhereItKnowsThePort) {
    using testing::HasSubstr;
    using testing::Not;
    auto topology = office().topology();
    auto* gateway = topologies::find_as<topologies::Gateway>(topology, "gw");
    gateway->tunnels = {topologies::Tunnel::IkeV2, topologies::Tunnel::Sstp};
    const auto usual = wireshark_profile_of(topology);
    EXPECT_THAT(usual.preferences, HasSubstr("tls.keylog_file: keys/sslkeylog.txt\n"));
    EXPECT_THAT(usual.preferences, Not(HasSubstr("openvpn")));
    EXPECT_EQ(usual.decode_as_entries, "");
    gateway->sstp.port = 4443;
    EXPECT_EQ(wireshark_profile_of(topology).decode_as_entries, "decode_as_entry: tcp.port,4443,(none),TLS\n");
}

}  // namespace
}  // namespace gatelab::sim
