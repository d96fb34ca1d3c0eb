#include "sim/peers/openvpn_management.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

namespace gatelab::sim::peers {
namespace {

constexpr std::size_t kLongestLine = 65'536;

// What stands before the first separator; `rest` is moved behind it.
std::string_view take(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const auto first = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    return first;
}

int number_in(std::string_view text) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

bool is_state(std::string_view name) {
    constexpr std::array<std::string_view, 12> kStates = {"CONNECTING", "WAIT",       "AUTH",        "GET_CONFIG",
                                                          "ASSIGN_IP",  "ADD_ROUTES", "CONNECTED",   "RECONNECTING",
                                                          "EXITING",    "RESOLVE",    "TCP_CONNECT", "AUTH_PENDING"};
    return std::find(kStates.begin(), kStates.end(), name) != kStates.end();
}

// "1795248402,CONNECTED,SUCCESS,10.60.0.2,10.1.0.1,1194,,".
std::optional<OpenVpnManagement::State> state_in(std::string_view text) {
    take(text, ',');
    const auto name = take(text, ',');
    if (!is_state(name)) return std::nullopt;
    return OpenVpnManagement::State{std::string{name}, std::string{take(text, ',')}};
}

std::optional<OpenVpnManagement::Client::Kind> kind_in(std::string_view text) {
    using Kind = OpenVpnManagement::Client::Kind;
    if (text == "CONNECT") return Kind::Connect;
    if (text == "REAUTH") return Kind::Reauth;
    if (text == "ESTABLISHED") return Kind::Established;
    if (text == "DISCONNECT") return Kind::Disconnect;
    return std::nullopt;
}

// An argument of a command, as management-notes.txt wants it under "Command Parsing".
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c != '\n' && c != '\r') out += c;
    }
    return out + '"';
}

}  // namespace

std::vector<OpenVpnManagement::Output> OpenVpnManagement::handle_bytes(ByteView bytes) {
    std::vector<Output> outputs;
    pending_ += as_text(bytes);
    std::size_t from = 0;
    for (std::size_t end; (end = pending_.find('\n', from)) != std::string::npos; from = end + 1) {
        auto line = std::string_view{pending_}.substr(from, end - from);
        if (line.ends_with('\r')) line.remove_suffix(1);
        handle_line(line, outputs);
    }
    pending_.erase(0, from);
    if (pending_.size() > kLongestLine) pending_.clear();
    return outputs;
}

void OpenVpnManagement::handle_line(std::string_view line, std::vector<Output>& outputs) {
    if (!line.starts_with('>')) {  // an answer; of those, we asked for the state alone
        if (auto state = state_in(line)) outputs.push_back(std::move(*state));
        return;
    }
    line.remove_prefix(1);
    const auto kind = take(line, ':');
    if (kind == "HOLD") {
        const auto colon = line.rfind(':');
        const auto seconds = colon == line.npos ? 0 : number_in(line.substr(colon + 1));
        outputs.push_back(Hold{std::chrono::seconds(seconds)});
    } else if (kind == "STATE") {
        if (auto state = state_in(line)) outputs.push_back(std::move(*state));
    } else if (kind == "LOG") {
        take(line, ',');
        take(line, ',');
        outputs.push_back(Log{std::string{line}});
    } else if (kind == "REMOTE") {
        Remote remote;
        remote.host = take(line, ',');
        remote.port = take(line, ',');
        remote.protocol = take(line, ',');
        outputs.push_back(std::move(remote));
    } else if (kind == "CLIENT") {
        handle_client(line, outputs);
    } else if (kind == "FATAL") {
        outputs.push_back(Fatal{std::string{line}});
    }
}

// ">CLIENT:CONNECT,{client},{key}", then ">CLIENT:ENV,name=value" until ">CLIENT:ENV,END".
void OpenVpnManagement::handle_client(std::string_view text, std::vector<Output>& outputs) {
    const auto what = take(text, ',');
    if (what == "ENV") {
        if (!client_) return;
        if (text == "END") return outputs.push_back(*std::exchange(client_, std::nullopt));
        const auto name = take(text, '=');
        client_->environment[std::string{name}] = text;
    } else if (what == "ADDRESS") {
        Address address;
        address.client = take(text, ',');
        address.address = take(text, ',');
        outputs.push_back(std::move(address));
    } else if (const auto kind = kind_in(what)) {
        client_.emplace();
        client_->kind = *kind;
        client_->client = take(text, ',');
        client_->key = take(text, ',');
    }
}

std::string greeting() { return "state on\nstate\nlog on\n"; }
std::string release_hold() { return "hold release\n"; }
std::string accept_remote(const std::string& address, const std::string& port) {
    return fmt::format("remote MOD {} {}\n", address, port);
}
std::string accept(const OpenVpnManagement::Client& client) {
    return fmt::format("client-auth-nt {} {}\n", client.client, client.key);
}
std::string deny(const OpenVpnManagement::Client& client, const std::string& reason) {
    return fmt::format("client-deny {} {} {} {}\n", client.client, client.key, quoted(reason), quoted(reason));
}
std::string halt_client(const std::string& client) { return fmt::format("client-kill {} HALT\n", client); }
std::string end_program() { return "signal SIGTERM\n"; }

}  // namespace gatelab::sim::peers
