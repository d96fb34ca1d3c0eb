#include "impl/crypto/pem.h"

#include <openssl/evp.h>

#include <algorithm>

#include "impl/crypto/openssl.h"

namespace gatelab::crypto {
namespace {

constexpr std::size_t kLine = 64;

std::string head_of(std::string_view name) { return "-----BEGIN " + std::string{name} + "-----"; }
std::string tail_of(std::string_view name) { return "-----END " + std::string{name} + "-----"; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// EVP_DecodeBlock() knows nothing of padding: it counts the octets of '=' too.
Result<Bytes> decode_base64(std::string text) {
    std::erase_if(text, is_blank);
    if (text.empty() || text.size() % 4 != 0) return fail(Fault::Malformed, "base64 that is not in groups of four");
    const auto padding = static_cast<std::size_t>(std::count(text.end() - 2, text.end(), '='));
    if (text.find('=') < text.size() - padding || (padding == 1 && text.back() != '='))
        return fail(Fault::Malformed, "base64 that goes on after its end");
    Bytes bytes(text.size() / 4 * 3);
    const auto size = EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
    if (size < 0 || static_cast<std::size_t>(size) != bytes.size())
        return fail(Fault::Malformed, "characters that are not base64");
    bytes.resize(bytes.size() - padding);
    return bytes;
}

}  // namespace

std::string encode_pem(std::string_view name, ByteView bytes) {
    std::string base64(bytes.size() / 3 * 4 + 5, '\0');  // one for EVP_EncodeBlock()'s NUL
    const auto size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), bytes.data(), static_cast<int>(bytes.size()));
    base64.resize(static_cast<std::size_t>(size));
    std::string text = head_of(name) + "\n";
    for (std::size_t at = 0; at < base64.size(); at += kLine) text += base64.substr(at, kLine) + "\n";
    return text + tail_of(name) + "\n";
}

Result<Bytes> decode_pem(std::string_view name, std::string_view text) {
    const auto head = head_of(name);
    const auto begin = text.find(head);
    if (begin == std::string_view::npos) return fail(Fault::NotFound, "no \"" + head + "\" in it");
    const auto body = text.substr(begin + head.size());
    const auto end = body.find(tail_of(name));
    if (end == std::string_view::npos) return fail(Fault::Malformed, std::string{name} + " without its END line");
    auto bytes = decode_base64(std::string{body.substr(0, end)});
    if (!bytes) return fail(Fault::Malformed, std::string{name} + ": " + bytes.error().detail);
    return bytes;
}

}  // namespace gatelab::crypto
