#include "sim/peers/kernel_counters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace gatelab::sim::peers {
namespace {

template <class Number>
Number number_of(std::string_view text, int base = 10) {
    const auto digit = text.find_first_not_of(" \t");
    if (digit != std::string_view::npos) text.remove_prefix(digit);
    Number number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number, base);
    return number;
}

std::optional<std::string_view> after(std::string_view text, std::string_view phrase) {
    const auto at = text.find(phrase);
    if (at == std::string_view::npos) return std::nullopt;
    return text.substr(at + phrase.size());
}

struct IntegrityName {
    std::string_view text;
    esp::Integrity integrity;
    std::string_view truncated;  // bits
};
constexpr std::array kIntegrities = {IntegrityName{"hmac(sha1)", esp::Integrity::HmacSha1_96, "96"},
                                     IntegrityName{"hmac(sha256)", esp::Integrity::HmacSha256_128, "128"},
                                     IntegrityName{"hmac(sha384)", esp::Integrity::HmacSha384_192, "192"}};

// "<algorithm> 0x2b0f... (288 bits) 128"
Bytes key_in(std::string_view line) {
    const auto hex = after(line, " 0x");
    if (!hex) return {};
    const auto key = from_hex(hex->substr(0, hex->find(' ')));
    return key ? *key : Bytes{};
}

class Reader {
public:
    void read(std::string_view line) {
        if (line.starts_with("src ")) return end();
        if (const auto spi = after(line, "proto esp spi 0x")) {
            current_.spi = esp::Spi{number_of<std::uint32_t>(*spi, 16)};
        } else if (const auto aead = after(line, "aead rfc4106(gcm(aes))")) {
            current_.encryption_key = key_in(*aead);
            current_.suite = {esp::Cipher::AesGcm16, static_cast<int>(current_.encryption_key.size() * 8) - 32,
                              esp::Integrity::None, false};
            known_ = line.ends_with(" 128");
        } else if (const auto cbc = after(line, "enc cbc(aes)")) {
            current_.encryption_key = key_in(*cbc);
            current_.suite.cipher = esp::Cipher::AesCbc;
            current_.suite.key_bits = static_cast<int>(current_.encryption_key.size() * 8);
        } else if (const auto auth = after(line, "auth-trunc ")) {
            read_integrity(line, *auth);
        } else if (const auto packets = line.find("(bytes), "); packets != std::string_view::npos) {
            if (line.find("limit:") == std::string_view::npos)
                counters_.packets = number_of<std::uint64_t>(line.substr(packets + 9));
        } else if (const auto replayed = after(line, " replay "); replayed && after(line, " failed ")) {
            counters_.replayed = number_of<std::uint64_t>(*replayed);
            counters_.unauthentic = number_of<std::uint64_t>(*after(line, " failed "));
        } else if (line.find(" esn") != std::string_view::npos && line.find("flag") != std::string_view::npos) {
            extended_ = true;
        } else if (line.starts_with("XfrmIn")) {
            read_statistic(line);
        }
    }
    KernelReport finish() {
        end();
        return std::move(report_);
    }

private:
    void read_integrity(std::string_view line, std::string_view name) {
        for (const auto& one : kIntegrities) {
            if (!name.starts_with(one.text) || !line.ends_with(one.truncated)) continue;
            current_.suite.integrity = one.integrity;
            current_.integrity_key = key_in(name);
            known_ = true;
        }
    }
    // Packets that were protected, but not as any policy wants.
    void read_statistic(std::string_view line) {
        for (const auto* name : {"XfrmInNoPols", "XfrmInTmplMismatch", "XfrmInPolBlock", "XfrmInStateMismatch"})
            if (const auto count = after(line, name)) report_.outside_selectors += number_of<std::uint64_t>(*count);
    }
    void end() {
        if (current_.spi.value() != 0) {
            report_.by_spi[current_.spi.value()] = counters_;
            current_.suite.extended_sequence_numbers = extended_;
            if (known_ && !current_.encryption_key.empty()) report_.keys.push_back(std::move(current_));
        }
        current_ = {};
        counters_ = {};
        known_ = extended_ = false;
    }

    KernelReport report_;
    esp::Parameters current_{};
    KernelCounters counters_;
    bool known_ = false, extended_ = false;
};

}  // namespace

KernelReport kernel_report_in(std::string_view text) {
    Reader reader;
    while (!text.empty()) {
        const auto end = text.find('\n');
        reader.read(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return reader.finish();
}

}  // namespace gatelab::sim::peers
