#include "impl/openvpn/push.h"

#include <algorithm>

#include "impl/openvpn/push_options.h"

namespace gatelab::openvpn {
namespace {

constexpr std::string_view kPushReply = "PUSH_REPLY", kContinuation = "push-continuation ";
constexpr std::size_t kMessage = 1024;        // octets of a control message with its NUL
constexpr std::size_t kLargestReply = 65536;  // of all parts together

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// What stands behind "NAME" or "NAME,"; nothing when the message is another.
std::optional<std::string_view> after(std::string_view name, std::string_view message) {
    if (!message.starts_with(name)) return {};
    message.remove_prefix(name.size());
    if (message.empty()) return message;
    if (message.front() != ',') return {};
    return message.substr(1);
}

Restart parse_restart(std::string_view text) {
    Restart restart{false, std::string{text}};
    if (text.starts_with('['))
        restart.to_next_server = text.substr(0, text.find(']')).find('N') != std::string_view::npos;
    return restart;
}

// The options of one part without its continuation; the second is true when another part follows.
std::pair<std::string, bool> take_continuation(std::string_view options) {
    std::string kept;
    bool more = false;
    for (const auto option : split_options(options)) {
        if (option.starts_with(kContinuation))
            more = option.substr(kContinuation.size()) == "2";
        else
            kept.append(option).append(",");
    }
    return {std::move(kept), more};
}

std::string continued(std::string options, bool more) {
    return std::string{kPushReply} + options + "," + std::string{kContinuation} + (more ? "2" : "1");
}

}  // namespace

Result<ControlMessage> parse_control_message(std::string_view text) {
    if (std::ranges::any_of(text, is_control))
        return fail(Fault::Malformed, "a control message with control characters");
    if (text == "PUSH_REQUEST") return PushRequest{};
    if (text == "EXIT") return Exit{};
    if (const auto reason = after("AUTH_FAILED", text)) return AuthFailed{std::string{*reason}};
    if (const auto parameters = after("RESTART", text)) return parse_restart(*parameters);
    if (const auto reason = after("HALT", text)) return Halt{std::string{*reason}};
    if (const auto info = after("INFO_PRE", text)) return InfoPre{std::string{*info}};
    if (const auto options = after(kPushReply, text)) {
        auto reply = parse_push_options(*options);
        if (!reply) return pass(reply);
        return std::move(*reply);
    }
    return UnknownMessage{std::string{text}};
}

std::vector<std::string> encode(const PushReply& reply) {
    constexpr auto kRoom = kMessage - 1 - kPushReply.size() - 1 - kContinuation.size() - 1;
    std::vector<std::string> parts(1);
    for (const auto& option : push_options(reply)) {
        if (!parts.back().empty() && parts.back().size() + 1 + option.size() > kRoom) parts.emplace_back();
        parts.back() += "," + option;
    }
    if (parts.size() == 1) return {std::string{kPushReply} + parts.front()};
    for (auto& part : parts) part = continued(std::move(part), &part != &parts.back());
    return parts;
}

std::string encode_auth_failed(std::string_view reason) {
    return reason.empty() ? "AUTH_FAILED" : "AUTH_FAILED," + std::string{reason};
}

Result<std::optional<PushReply>> PushReader::add(std::string_view message) {
    const auto options = after(kPushReply, message);
    if (!options) return fail(Fault::Malformed, "not a PUSH_REPLY");
    if (std::ranges::any_of(message, is_control)) return fail(Fault::Malformed, "a PUSH_REPLY with control characters");
    if (pending_.size() + options->size() > kLargestReply)
        return fail(Fault::Refused, "a PUSH_REPLY of more than 64 KiB");
    const auto [kept, more] = take_continuation(*options);
    pending_ += kept;
    if (more) return std::optional<PushReply>{};
    auto whole = std::exchange(pending_, {});
    auto reply = parse_push_options(whole);
    if (!reply) return pass(reply);
    return std::optional{std::move(*reply)};
}

}  // namespace gatelab::openvpn
