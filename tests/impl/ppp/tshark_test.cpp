// What we send, read by a program that nobody here wrote.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/impl/ppp/pair.h"

namespace gatelab::ppp::test {
namespace {

namespace fs = std::filesystem;

std::string output_of(const std::string& command) {
    std::string text;
    std::array<char, 4096> buffer;
    FILE* pipe = popen(command.c_str(), "r");
    while (pipe && std::fgets(buffer.data(), buffer.size(), pipe)) text += buffer.data();
    if (pipe) pclose(pipe);
    return text;
}

void append_little(Bytes& capture, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) capture.push_back(static_cast<std::uint8_t>(value >> shift));
}

// A capture of link type PPP: frames with address and control or without.
void write_capture(const fs::path& file, const std::vector<Bytes>& frames) {
    constexpr std::uint32_t kPpp = 9;
    Bytes capture;
    for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, kPpp}) append_little(capture, word);
    std::uint32_t second = 0;
    for (const auto& frame : frames) {
        const auto size = static_cast<std::uint32_t>(frame.size());
        for (const std::uint32_t word : {++second, 0U, size, size}) append_little(capture, word);
        append(capture, frame);
    }
    std::ofstream{file, std::ios::binary}.write(reinterpret_cast<const char*>(capture.data()),
                                                static_cast<std::streamsize>(capture.size()));
}

class Tshark : public ::testing::Test {
protected:
    void SetUp() override {
        if (std::system("tshark --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "tshark is not installed";
        std::string pattern = (fs::temp_directory_path() / "gatelab-ppp-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override {
        if (!directory_.empty()) fs::remove_all(directory_);
    }

    // One line a frame, "column|column|...".
    std::string dissect(const std::vector<Bytes>& frames, const std::string& fields) {
        write_capture(directory_ / "ppp.pcap", frames);
        return output_of("WIRESHARK_CONFIG_DIR='" + directory_.string() + "' tshark -r '" +
                         (directory_ / "ppp.pcap").string() + "' -T fields -E separator='|' " + fields +
                         " 2>/dev/null");
    }

    fs::path directory_;
};

// A link's whole life: both methods, packets both ways, echoes, a rejected protocol, a refused option, the farewell.
std::vector<Bytes> lives() {
    std::vector<Bytes> frames;
    for (const auto method : {Authentication::MsChapV2, Authentication::Pap}) {
        auto client = client_options(method);
        client.address_control = method == Authentication::Pap;
        Pair pair{client, server_options(method)};
        EXPECT_TRUE(pair.connect());
        pair.send(pair.client, testing::echo_packet(kClientAddress, kHost, {}));
        pair.send(pair.server, testing::echo_packet(kHost, kClientAddress, {.reply = true}));
        pair.run_for(minutes(2));
        for (const auto& parcel : pair.sent) frames.push_back(parcel.bytes);
        for (const auto& odd : {frame_of(Protocol::Ccp, 1, 1, hex("120600000040")), frame_of(Protocol::Lcp, 99, 1)})
            for (auto& answer : pair.server.feed(pair.now, odd)) frames.push_back(std::move(answer));
        const auto before = pair.sent.size();
        pair.call([&] { pair.client.session.close(pair.now); });
        pair.run_for(seconds(10));
        for (auto i = before; i < pair.sent.size(); ++i) frames.push_back(pair.sent[i].bytes);
    }
    for (const char* refused : {"01040010", "0d0306"}) {
        Lone lone{server_options()};
        lone.start();
        for (auto& answer : lone.end.feed(lone.now, frame_of(Protocol::Lcp, Code::ConfigureRequest, 1, hex(refused))))
            frames.push_back(std::move(answer));
    }
    return frames;
}

TEST_F(Tshark, FindsNothingMalformed) {
    const auto frames = lives();
    const auto text = dissect(frames, "-e frame.number -e _ws.malformed -e _ws.expert.severity -e frame.protocols");
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(text, '\n')), frames.size());
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        EXPECT_NE(line.find("||ppp"), std::string::npos) << line;  // neither malformed nor worth a remark
    EXPECT_NE(text.find("ppp:lcp"), std::string::npos) << text;
}

TEST_F(Tshark, ReadsWhatWeMean) {
    const auto text = dissect(lives(), "-e _ws.col.Protocol -e _ws.col.Info");
    for (const char* line :
         {"PPP LCP|Configuration Request", "PPP LCP|Configuration Nak", "PPP LCP|Configuration Reject",
          "PPP CHAP|Challenge (NAME='gateway', VALUE=0x", "PPP CHAP|Response (NAME='alice', VALUE=0x",
          "PPP CHAP|Success (MESSAGE='S=", "PPP PAP|Authenticate-Request (Peer-ID='alice', Password='s3cret')",
          "PPP PAP|Authenticate-Ack (Message='Welcome')", "PPP IPCP|Configuration Request",
          "PPP IPCP|Configuration Nak", "PPP IPCP|Configuration Ack", "ICMP|Echo (ping) request",
          "PPP LCP|Echo Request", "PPP LCP|Echo Reply", "PPP LCP|Protocol Reject", "PPP LCP|Code Reject",
          "PPP LCP|Termination Request", "PPP LCP|Termination Ack"})
        EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
    const auto options = dissect(lives(),
                                 "-e ipcp.opt.ip_address -e ipcp.opt.pri_dns_address -e lcp.opt.mru "
                                 "-e lcp.opt.algorithm -e lcp.opt.auth_protocol");
    EXPECT_NE(options.find("10.60.0.2|10.1.0.53"), std::string::npos) << options;
    EXPECT_NE(options.find("1400|129"), std::string::npos) << options;  // CHAP 0x81
}

}  // namespace
}  // namespace gatelab::ppp::test
