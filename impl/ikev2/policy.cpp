#include "impl/ikev2/policy.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <tuple>
#include <utility>

namespace gatelab::ikev2 {
namespace {

using crypto::Group;

template <class Value>
struct Name {
    Value value;
    std::string_view text;
};

constexpr std::array kEncryptions = {Name<Encryption>{Encryption::TripleDes, "3DES_CBC"},
                                     Name<Encryption>{Encryption::AesCbc, "AES_CBC"},
                                     Name<Encryption>{Encryption::AesGcm16, "AES_GCM_16"}};
constexpr std::array kPrfs = {
    Name<Prf>{Prf::HmacSha1, "PRF_HMAC_SHA1"}, Name<Prf>{Prf::HmacSha256, "PRF_HMAC_SHA2_256"},
    Name<Prf>{Prf::HmacSha384, "PRF_HMAC_SHA2_384"}, Name<Prf>{Prf::HmacSha512, "PRF_HMAC_SHA2_512"}};
constexpr std::array kIntegrities = {Name<Integrity>{Integrity::HmacSha1_96, "HMAC_SHA1_96"},
                                     Name<Integrity>{Integrity::HmacSha256_128, "HMAC_SHA2_256_128"},
                                     Name<Integrity>{Integrity::HmacSha384_192, "HMAC_SHA2_384_192"},
                                     Name<Integrity>{Integrity::HmacSha512_256, "HMAC_SHA2_512_256"}};
constexpr std::array kEspIntegrities = {Name<esp::Integrity>{esp::Integrity::HmacSha1_96, "HMAC_SHA1_96"},
                                        Name<esp::Integrity>{esp::Integrity::HmacSha256_128, "HMAC_SHA2_256_128"},
                                        Name<esp::Integrity>{esp::Integrity::HmacSha384_192, "HMAC_SHA2_384_192"}};
constexpr std::array kEspCiphers = {Name<esp::Cipher>{esp::Cipher::AesGcm16, "AES_GCM_16"},
                                    Name<esp::Cipher>{esp::Cipher::AesCbc, "AES_CBC"}};
constexpr std::array kGroups = {Name<Group>{Group::Modp1024, "MODP_1024"}, Name<Group>{Group::Modp2048, "MODP_2048"},
                                Name<Group>{Group::Ecp256, "ECP_256"}, Name<Group>{Group::Ecp384, "ECP_384"},
                                Name<Group>{Group::Modp2048Sub256, "MODP_2048_256"}};

template <class Table, class Value>
std::string text_of_value(const Table& table, Value value) {
    for (const auto& name : table)
        if (name.value == value) return std::string{name.text};
    return std::to_string(static_cast<int>(value));
}

template <class Table>
auto value_of_text(const Table& table, std::string_view text) -> std::optional<decltype(table[0].value)> {
    for (const auto& name : table)
        if (name.text == text) return name.value;
    return std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> words;
    for (;;) {
        const auto at = text.find(separator);
        words.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return words;
        text.remove_prefix(at + 1);
    }
}

// "AES_CBC-256" as a cipher of `table` and its key length; 3DES_CBC stands without one.
template <class Table>
auto parse_cipher(const Table& table, std::string_view word)
    -> std::optional<std::pair<decltype(table[0].value), int>> {
    const auto dash = word.rfind('-');
    const auto cipher = value_of_text(table, word.substr(0, dash));
    if (!cipher) return std::nullopt;
    if (word == "3DES_CBC") return std::pair{*cipher, 0};
    if (dash == std::string_view::npos) return std::nullopt;
    int bits = 0;
    const auto digits = word.substr(dash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (bits != 128 && bits != 192 && bits != 256) return std::nullopt;
    return std::pair{*cipher, bits};
}

tl::unexpected<Error> unknown_row(std::string_view text, std::string_view word, std::string_view example) {
    return fail(
        Fault::Malformed,
        fmt::format("\"{}\" is no algorithm row: \"{}\" does not fit; expected a row such as {}", text, word, example));
}

}  // namespace

std::string to_string(const IkeSuite& suite) {
    auto text = text_of_value(kEncryptions, suite.encryption);
    if (suite.encryption != Encryption::TripleDes) text += fmt::format("-{}", suite.key_bits);
    if (suite.integrity != Integrity::None) text += fmt::format("/{}", text_of_value(kIntegrities, suite.integrity));
    return fmt::format("{}/{}/{}", text, text_of_value(kPrfs, suite.prf), text_of_value(kGroups, suite.group));
}

std::string to_string(const ChildSuite& suite) {
    auto text = fmt::format("{}-{}", text_of_value(kEspCiphers, suite.esp.cipher), suite.esp.key_bits);
    if (suite.esp.integrity != esp::Integrity::None)
        text += fmt::format("/{}", text_of_value(kEspIntegrities, suite.esp.integrity));
    if (suite.pfs) text += fmt::format("/{}", text_of_value(kGroups, *suite.pfs));
    if (suite.esp.extended_sequence_numbers) text += "/ESN";
    return text;
}

Result<IkeSuite> parse_ike_suite(std::string_view text) {
    constexpr std::string_view kExample = "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384";
    const auto words = split(text, '/');
    IkeSuite suite;
    const auto cipher = parse_cipher(kEncryptions, words[0]);
    if (!cipher) return unknown_row(text, words[0], kExample);
    std::tie(suite.encryption, suite.key_bits) = *cipher;
    const bool combined = suite.encryption == Encryption::AesGcm16;
    if (words.size() != (combined ? 3u : 4u)) return unknown_row(text, words.back(), kExample);
    if (!combined) {
        const auto integrity = value_of_text(kIntegrities, words[1]);
        if (!integrity) return unknown_row(text, words[1], kExample);
        suite.integrity = *integrity;
    }
    const auto prf = value_of_text(kPrfs, words[words.size() - 2]);
    if (!prf) return unknown_row(text, words[words.size() - 2], kExample);
    suite.prf = *prf;
    const auto group = value_of_text(kGroups, words.back());
    if (!group) return unknown_row(text, words.back(), kExample);
    suite.group = *group;
    return suite;
}

Result<ChildSuite> parse_child_suite(std::string_view text) {
    constexpr std::string_view kExample = "AES_CBC-256/HMAC_SHA2_256_128/MODP_2048";
    auto words = split(text, '/');
    ChildSuite suite;
    const auto cipher = parse_cipher(kEspCiphers, words[0]);
    if (!cipher) return unknown_row(text, words[0], kExample);
    std::tie(suite.esp.cipher, suite.esp.key_bits) = *cipher;
    std::size_t next = 1;
    if (suite.esp.cipher == esp::Cipher::AesCbc) {
        const auto integrity =
            next < words.size() ? value_of_text(kEspIntegrities, words[next]) : std::optional<esp::Integrity>{};
        if (!integrity) return unknown_row(text, next < words.size() ? words[next] : words[0], kExample);
        suite.esp.integrity = *integrity;
        ++next;
    }
    if (next < words.size()) {
        suite.pfs = value_of_text(kGroups, words[next]);
        if (suite.pfs) ++next;
    }
    if (next < words.size() && words[next] == "ESN") {
        suite.esp.extended_sequence_numbers = true;
        ++next;
    }
    if (next != words.size()) return unknown_row(text, words[next], kExample);
    return suite;
}

const std::vector<IkeSuite>& p2s_ike_policy() {
    static const std::vector<IkeSuite> kRows = [] {
        const std::vector<IkeSuite> algorithms = {
            {Encryption::AesGcm16, 256, Integrity::None, Prf::HmacSha384, {}},
            {Encryption::AesGcm16, 256, Integrity::None, Prf::HmacSha256, {}},
            {Encryption::AesCbc, 256, Integrity::HmacSha384_192, Prf::HmacSha384, {}},
            {Encryption::AesCbc, 256, Integrity::HmacSha256_128, Prf::HmacSha256, {}},
        };
        std::vector<IkeSuite> rows;
        for (IkeSuite row : algorithms) {
            for (const auto group : {Group::Modp2048Sub256, Group::Modp2048, Group::Ecp384, Group::Ecp256}) {
                row.group = group;
                rows.push_back(row);
            }
        }
        rows.push_back(algorithms.back());
        rows.back().group = Group::Modp1024;
        return rows;
    }();
    return kRows;
}

const std::vector<ChildSuite>& p2s_ipsec_policy() {
    static const std::vector<ChildSuite> kRows = [] {
        const esp::Suite gcm{esp::Cipher::AesGcm16, 256, esp::Integrity::None, false};
        const esp::Suite cbc{esp::Cipher::AesCbc, 256, esp::Integrity::HmacSha256_128, false};
        std::vector<ChildSuite> rows;
        for (const auto& algorithms : {gcm, cbc}) {
            rows.push_back({algorithms, std::nullopt});
            for (const auto group : {Group::Modp2048Sub256, Group::Modp2048, Group::Ecp384, Group::Ecp256})
                rows.push_back({algorithms, group});
        }
        rows.push_back({{esp::Cipher::AesCbc, 256, esp::Integrity::HmacSha1_96, false}, std::nullopt});
        return rows;
    }();
    return kRows;
}

}  // namespace gatelab::ikev2
