#include "sim/peers/sstp_client_config.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace gatelab::sim::peers {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

SstpClientSettings settings() {
    SstpClientSettings settings;
    settings.server = {Ipv4Address{203, 0, 113, 10}, 443};
    settings.server_name = "gw.example.com";
    settings.roots = "-----BEGIN CERTIFICATE-----\n";
    settings.user = "alice";
    settings.password = "s3cret";
    settings.routes = {Prefix{Ipv4Address{10, 1, 0, 0}, 16}};
    return settings;
}

const SstpPlaces kGuest{"/run/share/sstp/", "", {}};
const SstpPlaces kNamespace{"/tmp/x/sstp/", "/tmp/x/sstp/ppp-line", {"LC_ALL=C"}};

std::string text_of(const std::vector<ConfigFile>& files, const std::string& path) {
    const auto at = std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.path == path; });
    return at == files.end() ? "(there is no " + path + ")" : at->text;
}

TEST(SstpClientConfig, DialsTheAddressUnderTheServersName) {
    EXPECT_THAT(sstp_dial_arguments(settings(), kGuest),
                ElementsAre("/usr/sbin/sstpc", "--ca-cert", "/run/share/sstp/roots.pem", "--host", "gw.example.com",
                            "--tls-ext", "--ipparam", "gatelab", "--log-level", "4", "--log-stderr", "203.0.113.10",
                            "file", "/run/share/sstp/options"));
}

TEST(SstpClientConfig, NamesAnotherPortThanHttps) {
    auto odd = settings();
    odd.server.port = 8443;
    EXPECT_THAT(sstp_dial_arguments(odd, kGuest), Contains("203.0.113.10:8443"));
}

TEST(SstpClientConfig, TellsThePasswordToPppdAlone) {
    const auto files = sstp_client_files(settings(), kGuest);
    EXPECT_EQ(text_of(files, "secrets"), "\"alice\" * \"s3cret\" *\n");
    for (const auto& file : files)
        EXPECT_TRUE(file.secret || file.text.find("s3cret") == std::string::npos) << file.path;
    for (const auto& argument : sstp_dial_arguments(settings(), kGuest))
        EXPECT_THAT(argument, Not(HasSubstr("s3cret")));
}

TEST(SstpClientConfig, QuotesWhatPppdWouldTakeForItsOwn) {
    EXPECT_EQ(pppd_word("s3cret \"quoted\" #1"), "\"s3cret \\\"quoted\\\" #1\"");
    EXPECT_EQ(pppd_word("CONTOSO\\alice"), "\"CONTOSO\\\\alice\"");
}

TEST(SstpClientConfig, AsksForAddressAndDnsAndForNothingThatSstpDoesNotHave) {
    const auto options = text_of(sstp_client_files(settings(), kGuest), "options");
    for (const auto* line : {"name \"alice\"\n", "noauth\n", "usepeerdns\n", "noccp\n", "noipv6\n", "mru 1400\n",
                             "logfile /run/share/sstp/ppp.log\n", "ip-up-script /run/share/sstp/ip-up\n"})
        EXPECT_THAT(options, HasSubstr(line));
}

TEST(SstpClientConfig, RoutesTheNetworksBehindTheGateway) {
    const auto script = text_of(sstp_client_files(settings(), kGuest), "ip-up");
    EXPECT_THAT(script, HasSubstr("ip route replace 10.1.0.0/16 dev \"$1\"\n"));
    EXPECT_THAT(script, Not(HasSubstr("203.0.113.10")));
    EXPECT_THAT(script, HasSubstr("nameserver $server"));
}

TEST(SstpClientConfig, KeepsItsOwnPacketsOutOfATunnelForAll) {
    auto all = settings();
    all.routes = {Prefix{}};
    EXPECT_THAT(text_of(sstp_client_files(all, kGuest), "ip-up"),
                HasSubstr("ip route replace 203.0.113.10/32 dev net0\n"
                          "ip route replace 0.0.0.0/1 dev \"$1\"\n"
                          "ip route replace 128.0.0.0/1 dev \"$1\"\n"));
}

TEST(SstpClientConfig, NamesTheProxyInTheEnvironment) {
    EXPECT_THAT(sstp_environment(settings()), IsEmpty());
    auto proxied = settings();
    proxied.proxy = SstpClientSettings::Proxy{{Ipv4Address{192, 0, 2, 3}, 3128}, "", ""};
    EXPECT_THAT(sstp_environment(proxied), ElementsAre("http_proxy=http://192.0.2.3:3128"));
    proxied.proxy->user = "bob";
    proxied.proxy->password = "pr0xy";
    EXPECT_THAT(sstp_environment(proxied), ElementsAre("http_proxy=http://bob:pr0xy@192.0.2.3:3128"));
}

TEST(SstpClientConfig, HasALineStartSstpcWithoutPppd) {
    EXPECT_THAT(sstp_dial_arguments(settings(), kNamespace), ElementsAre("/tmp/x/sstp/ppp-line", "/tmp/x/sstp/line"));
    const auto files = sstp_client_files(settings(), kNamespace);
    EXPECT_THAT(files, Not(Contains(Field(&ConfigFile::path, "options"))));
    const auto line = text_of(files, "line");
    for (const auto* said : {"user alice\n", "password s3cret\n", "socket /run/sstpc/sstpc-gatelab\n", "card ppp0\n",
                             "run /usr/sbin/sstpc\nrun --nolaunchpppd\n", "with LC_ALL=C\n"})
        EXPECT_THAT(line, HasSubstr(said));
    EXPECT_THAT(text_of(files, "prepare"), Not(HasSubstr("/etc")));
    EXPECT_THAT(text_of(files, "ip-up"), Not(HasSubstr("/etc")));
}

}  // namespace
}  // namespace gatelab::sim::peers
