// What the real program makes of the same files. It gets no further than its options, or than a closed port of
// loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "impl/profile/directives.h"
#include "tests/impl/profile/azure.h"

namespace gatelab::profile {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kProgram = "/usr/sbin/openvpn";

struct RealOpenVpn : testing::Test {
    std::filesystem::path folder;
    void SetUp() override {
        if (!std::filesystem::exists(kProgram)) GTEST_SKIP() << "needs the program openvpn";
        std::string name = testing::TempDir() + "gatelab-real-ovpn-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
    }
    void TearDown() override {
        if (!folder.empty()) std::filesystem::remove_all(folder);
    }

    // What the program says to the file, and to options after it.
    std::string says(const std::string& text, const std::string& options = "") const {
        std::ofstream{folder / "f.ovpn"} << text;
        const auto command = "cd " + folder.string() + " && timeout -s KILL 10 " + kProgram + " --config f.ovpn " +
                             options + " </dev/null 2>&1";
        FILE* pipe = ::popen(command.c_str(), "r");
        std::string said;
        std::array<char, 4096> buffer;
        while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe)) said.append(buffer.data(), size);
        ::pclose(pipe);
        return said;
    }

    // Whether it knows the directive with so many arguments. A line that no version knows ends the reading.
    bool knows(const std::string& name, std::size_t arguments) const {
        std::string line = name;
        for (std::size_t i = 0; i < arguments; ++i) line += " 1";
        const auto said = says(line + "\ngatelab-ends-here\n");
        return said.find("missing or extra parameter(s) in f.ovpn:1:") == std::string::npos &&
               said.find("http-proxy port number not defined") == std::string::npos;
    }

    // Where it gives up on a file that it accepts: nobody listens there.
    std::string dials(Ovpn profile) const {
        profile.remotes = {{"127.0.0.1", 9, {}}};
        profile.log.clear();  // to see what it says
        return says(encode(profile),
                    "--dev null --ifconfig-noexec --route-noexec --connect-retry-max 1 --connect-timeout 1 "
                    "--hand-window 1 --tls-exit --ping-exit 1");
    }
};

TEST_F(RealOpenVpn, AcceptsTheDefaultProfile) {
    const auto said = dials(azure().profile);
    EXPECT_THAT(said, HasSubstr("127.0.0.1:9"));
    EXPECT_THAT(said, HasSubstr("Attempting to establish TCP connection"));
    EXPECT_THAT(said, Not(HasSubstr("Options error")));
}

TEST_F(RealOpenVpn, AcceptsEveryFurtherDirective) {
    auto profile = azure().profile;
    profile.transport = openvpn::Transport::Udp;
    profile.tls_version_max = tls::Version::Tls13;
    profile.tls_ciphers = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256",
                           "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "TLS_AES_128_GCM_SHA256"};
    profile.data_ciphers = {openvpn::DataCipher::Aes256Gcm, openvpn::DataCipher::Aes128Gcm,
                            openvpn::DataCipher::Aes256Cbc};
    profile.fallback_cipher = openvpn::DataCipher::Aes256Cbc;
    profile.renegotiate = std::chrono::minutes(1);
    profile.renegotiate_bytes = profile.renegotiate_packets = 100'000;
    profile.handshake_window = profile.transition_window = std::chrono::seconds(20);
    profile.ping = std::chrono::seconds(10);
    profile.ping_restart = std::chrono::seconds(60);
    profile.tun_mtu = 1400;
    profile.mssfix = 1300;
    profile.fragment = 1200;
    profile.explicit_exit_notify = 2;
    profile.auth_user_pass = true;
    profile.username = "alice";
    profile.password = "secret word";
    profile.extra_certificates = profile.ca;
    const auto said = dials(profile);
    EXPECT_THAT(said, Not(HasSubstr("Options error")));
    EXPECT_THAT(said, Not(HasSubstr("No valid translation found")));
    EXPECT_THAT(said, HasSubstr("UDPv4 link remote: [AF_INET]127.0.0.1:9"));
}

TEST_F(RealOpenVpn, DialsTheProxy) {
    auto profile = azure().profile;
    for (const auto& proxy : {HttpProxy{"127.0.0.2", 9}, HttpProxy{"127.0.0.2", 9, "bo", "x y"}}) {
        profile.http_proxy = proxy;
        EXPECT_THAT(dials(profile), HasSubstr("Attempting to establish TCP connection with [AF_INET]127.0.0.2:9"));
    }
}

TEST_F(RealOpenVpn, AcceptsTheOtherProtections) {
    SeededRandom random{1, "keys"};
    auto profile = azure().profile;
    profile.key_direction.reset();
    profile.tls_crypt = std::exchange(profile.tls_auth, "");
    EXPECT_THAT(dials(profile), HasSubstr("Attempting to establish TCP connection"));
    profile.tls_crypt.clear();
    const auto server_key = openvpn::TlsCryptV2ServerKey::generate(random);
    profile.tls_crypt_v2 = openvpn::TlsCryptV2ClientKey::make(server_key, random)->to_pem();
    EXPECT_THAT(dials(profile), HasSubstr("Attempting to establish TCP connection"));
}

TEST_F(RealOpenVpn, KnowsTheDirectivesOfOurTableWithTheSameArguments) {
    int compared = 0;
    for (const auto& name : directive_names()) {
        const auto* directive = find_directive(name);
        if (!directive || directive->why == "is about Windows") continue;
        if (directive->kind == Directive::Kind::Refused) continue;
        EXPECT_TRUE(knows(name, directive->least)) << name << " " << directive->least;
        if (directive->least > 0) {
            EXPECT_FALSE(knows(name, directive->least - 1)) << name;
        }
        if (directive->most < 10) {
            EXPECT_TRUE(knows(name, directive->most)) << name << " " << directive->most;
            EXPECT_FALSE(knows(name, directive->most + 1)) << name;
        }
        ++compared;
    }
    EXPECT_GT(compared, 120);
}

TEST_F(RealOpenVpn, HasNoDirectiveThatOurTableLacks) {
    const auto help = says("help\n");
    int compared = 0;
    for (auto at = help.find("--"); at != help.npos; at = help.find("--", at + 2)) {
        const auto end = help.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-", at + 2);
        const auto name = help.substr(at + 2, end - at - 2);
        if (name.empty()) continue;
        if (name == "setenv" || name == "ignore-unknown-option" || find_directive(name)) continue;
        for (const std::size_t arguments : {0, 1, 2}) EXPECT_FALSE(knows(name, arguments)) << name;
        ++compared;
    }
    EXPECT_LT(compared, 10);
    EXPECT_THAT(help, HasSubstr("--verify-x509-name"));
}

TEST_F(RealOpenVpn, KnowsNoOtherUnknownDirectives) {
    for (const auto* name : {"remot", "gatelab", "keysizes", "tls-remote", "ca-file", "udp"}) {
        EXPECT_FALSE(knows(name, 1)) << name;
        EXPECT_EQ(find_directive(name), nullptr) << name;
    }
}

TEST_F(RealOpenVpn, ReadsQuotesAndBackslashesAsWeDo) {
    const std::pair<const char*, bool> lines[] = {
        {"log 'a b'", true},  {"log \"a b\"", true}, {"log a\\ b", true},  {"log a b", false},
        {"log \"a b", false}, {"log a\\b", false},   {"verb 3 # x", true}, {"verb 3 ;x", true},
        {"log a#b", true},    {"--verb 3", true},    {"\tverb\t3", true},
    };
    for (const auto& [line, accepted] : lines) {
        const auto said = says(std::string{line} + "\ngatelab-ends-here\n");
        std::ifstream log{folder / "a b"};
        const bool reached_the_end = said.find("f.ovpn:2: gatelab-ends-here") != std::string::npos ||
                                     std::filesystem::exists(folder / "a b") || std::filesystem::exists(folder / "a#b");
        EXPECT_EQ(reached_the_end, accepted) << line << "\n" << said;
        EXPECT_EQ(parse_ovpn(std::string{"client\n"} + line + "\n", "f.ovpn").has_value(), accepted) << line;
        std::filesystem::remove(folder / "a b");
        std::filesystem::remove(folder / "a#b");
    }
}

}  // namespace
}  // namespace gatelab::profile
