// Packets that we sealed, opened by a program that nobody here wrote.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/impl/esp/support.h"

namespace gatelab::esp {
namespace {

namespace fs = std::filesystem;

constexpr Ipv4Address kOuterSource{198, 51, 100, 1}, kOuterDestination{203, 0, 113, 1};
constexpr std::uint16_t kEchoId = 0x1234;
constexpr std::size_t kPackets = 3;

class Checksum {
public:
    Checksum& add(ByteView bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i) sum_ += i % 2 ? bytes[i] : std::uint32_t{bytes[i]} << 8;
        return *this;
    }
    std::uint16_t value() const {
        std::uint32_t sum = sum_;
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        return static_cast<std::uint16_t>(~sum);
    }

private:
    std::uint32_t sum_ = 0;
};

Bytes ip_packet(Ipv4Address source, Ipv4Address destination, IpProtocol protocol, ByteView payload) {
    ByteWriter header;
    header.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(20 + payload.size())).u32(0).u8(64);
    header.u8(static_cast<std::uint8_t>(protocol)).u16(0).u32(source.number()).u32(destination.number());
    Bytes packet = copy_of(header.view());
    const auto sum = Checksum{}.add(packet).value();
    packet[10] = static_cast<std::uint8_t>(sum >> 8);
    packet[11] = static_cast<std::uint8_t>(sum);
    append(packet, payload);
    return packet;
}

Bytes echo_request(std::uint16_t sequence) {
    ByteWriter icmp;
    icmp.u8(8).u8(0).u16(0).u16(kEchoId).u16(sequence).bytes(as_bytes("abcdefghijklmnopqrstuvwxyz"));
    icmp.patch_u16(2, Checksum{}.add(icmp.view()).value());
    return ip_packet(kAlice, kBob, IpProtocol::Icmp, icmp.view());
}

Bytes in_udp(ByteView esp) {
    ByteWriter datagram;
    datagram.u16(4500).u16(4500).u16(static_cast<std::uint16_t>(8 + esp.size())).u16(0).bytes(esp);
    return ip_packet(kOuterSource, kOuterDestination, IpProtocol::Udp, datagram.view());
}

struct Case {
    Suite suite;
    const char* encryption;  // as tshark's table "esp_sa" spells it
    const char* integrity;
    bool udp;
};

const Case kCases[] = {
    {gcm(256), "AES-GCM with 16 octet ICV [RFC4106]", "NULL", false},
    {gcm(128), "AES-GCM with 16 octet ICV [RFC4106]", "NULL", true},
    {cbc(256, Integrity::HmacSha256_128), "AES-CBC [RFC3602]", "HMAC-SHA-256-128 [RFC4868]", false},
    {cbc(256, Integrity::HmacSha1_96), "AES-CBC [RFC3602]", "HMAC-SHA-1-96 [RFC2404]", true},
    {cbc(128, Integrity::HmacSha384_192), "AES-CBC [RFC3602]", "HMAC-SHA-384-192 [RFC4868]", false},
};

// A capture of three echo requests in ESP, with outer IP headers and no link layer.
void write_capture(const fs::path& file, const Case& one) {
    const auto little = [](std::uint32_t value) {
        return Bytes{static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
                     static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 24)};
    };
    constexpr std::uint32_t kRawIp = 101;
    Bytes capture;
    for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, kRawIp}) append(capture, little(word));
    OutboundSa out{alice(one.suite)};
    for (std::uint16_t i = 1; i <= kPackets; ++i) {
        const auto esp = sealed(out, echo_request(i));
        const auto packet = one.udp ? in_udp(esp) : ip_packet(kOuterSource, kOuterDestination, IpProtocol::Esp, esp);
        const auto size = static_cast<std::uint32_t>(packet.size());
        for (const std::uint32_t word : {std::uint32_t{i}, 0U, size, size}) append(capture, little(word));
        append(capture, packet);
    }
    std::ofstream{file, std::ios::binary}.write(reinterpret_cast<const char*>(capture.data()),
                                                static_cast<std::streamsize>(capture.size()));
}

std::string key_line(const Case& one) {
    const auto parameters = alice(one.suite);
    const auto key = [](const Bytes& bytes) { return bytes.empty() ? std::string{} : "0x" + to_hex(bytes); };
    return "\"IPv4\",\"198.51.100.1\",\"203.0.113.1\",\"0x1234abcd\",\"" + std::string{one.encryption} + "\",\"" +
           key(parameters.encryption_key) + "\",\"" + one.integrity + "\",\"" + key(parameters.integrity_key) + "\"\n";
}

std::string output_of(const std::string& command) {
    std::string text;
    std::array<char, 4096> buffer;
    FILE* pipe = popen(command.c_str(), "r");
    while (pipe && std::fgets(buffer.data(), buffer.size(), pipe)) text += buffer.data();
    if (pipe) pclose(pipe);
    return text;
}

std::size_t count_of(const std::string& needle, const std::string& text) {
    std::size_t count = 0;
    for (auto at = text.find(needle); at != std::string::npos; at = text.find(needle, at + 1)) ++count;
    return count;
}

class Tshark : public testing::TestWithParam<Case> {
protected:
    void SetUp() override {
        if (std::system("tshark --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "tshark is not installed";
        std::string pattern = (fs::temp_directory_path() / "gatelab-esp-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override {
        if (!directory_.empty()) fs::remove_all(directory_);
    }

    std::string dissect(const Case& one, const std::string& keys) {
        write_capture(directory_ / "esp.pcap", one);
        std::ofstream{directory_ / "esp_sa"} << keys;
        return output_of("WIRESHARK_CONFIG_DIR='" + directory_.string() + "' tshark -r '" +
                         (directory_ / "esp.pcap").string() +
                         "' -o esp.enable_encryption_decode:TRUE -o esp.enable_authentication_check:TRUE -V 2>&1");
    }

    fs::path directory_;
};

TEST_P(Tshark, DecryptsWhatWeSealAndFindsItsIcvCorrect) {
    const auto text = dissect(GetParam(), key_line(GetParam()));
    EXPECT_EQ(count_of("Type: 8 (Echo (ping) request)", text), kPackets) << text;
    EXPECT_EQ(count_of("ESP ICV:", text), kPackets);
    EXPECT_EQ(count_of("[Good: True]", text), kPackets);
    EXPECT_EQ(count_of("Next header: IPIP (0x04)", text), kPackets);
    EXPECT_EQ(count_of("Malformed", text), 0u);
}

// Otherwise the test above would prove nothing.
TEST_P(Tshark, SeesNothingInsideWithAnotherKey) {
    auto keys = key_line(GetParam());
    const auto at = keys.rfind("0x");
    keys[at + 2] = keys[at + 2] == '0' ? '1' : '0';
    const auto text = dissect(GetParam(), keys);
    EXPECT_EQ(count_of("ESP Sequence:", text), kPackets) << text;
    EXPECT_EQ(count_of("[Good: True]", text), 0u);
}

INSTANTIATE_TEST_SUITE_P(Esp, Tshark, testing::ValuesIn(kCases), [](const auto& test) {
    std::string name = to_string(test.param.suite) + (test.param.udp ? "_in_UDP" : "");
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '-' || c == '/'; }, '_');
    return name;
});

}  // namespace
}  // namespace gatelab::esp
