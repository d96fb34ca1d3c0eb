// What MS-CHAPv2 puts on the wire: the Response's Value, and the texts of Success and Failure.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>

#include "impl/mschap/mschapv2.h"

namespace gatelab::mschap {
namespace {

std::string upper_hex(ByteView bytes) {
    std::string digits;
    for (const auto octet : bytes) digits += fmt::format("{:02X}", octet);
    return digits;
}

// Takes the next blank-separated word of the form "K=value" off `message`; a message "M=" runs to the end.
std::pair<char, std::string_view> take_field(std::string_view& message) {
    message.remove_prefix(std::min(message.find_first_not_of(' '), message.size()));
    const bool is_text = message.starts_with("M=");
    const auto word = message.substr(0, is_text ? message.npos : message.find(' '));
    message.remove_prefix(word.size());
    if (word.size() < 2 || word[1] != '=') return {};
    return {word[0], word.substr(2)};
}

std::optional<int> number_in(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0) return {};
    return number;
}

}  // namespace

Bytes encode(const Response& response) {
    ByteWriter writer;
    writer.bytes(response.peer_challenge).zeros(8).bytes(response.nt_response).u8(response.flags);
    return writer.take();
}

Result<Response> parse_response(ByteView value) {
    if (value.size() != kResponseSize)
        return fail(Fault::Malformed, fmt::format("an MS-CHAPv2 response of {} octets instead of 49", value.size()));
    ByteReader reader{value};
    Response response;
    std::ranges::copy(reader.bytes(response.peer_challenge.size()), response.peer_challenge.begin());
    reader.skip(8);  // reserved
    std::ranges::copy(reader.bytes(response.nt_response.size()), response.nt_response.begin());
    response.flags = reader.u8();
    return response;
}

bool proves(std::string_view message, std::string_view authenticator_response) {
    const auto digits = message.substr(0, authenticator_response.size());
    const auto rest = message.substr(digits.size());
    return !authenticator_response.empty() &&
           equal_in_constant_time(as_bytes(digits), as_bytes(authenticator_response)) &&
           (rest.empty() || rest.front() == ' ');
}

std::string encode(const Failure& failure) {
    return fmt::format("E={} R={} C={} V=3 M={}", failure.error, failure.may_retry ? 1 : 0,
                       upper_hex(failure.challenge), failure.text);
}

std::optional<Failure> parse_failure(std::string_view message) {
    Failure failure;
    std::optional<int> error;
    while (!message.empty()) {
        const auto [key, value] = take_field(message);
        if (key == 'E') error = number_in(value);
        if (key == 'R') failure.may_retry = value == "1";
        if (key == 'M') failure.text = value;
        if (const auto challenge = from_hex(value); key == 'C' && challenge && challenge->size() == 16)
            std::ranges::copy(*challenge, failure.challenge.begin());
    }
    if (!error) return {};
    failure.error = *error;
    return failure;
}

}  // namespace gatelab::mschap
