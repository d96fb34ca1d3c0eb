#include "sim/http_proxy.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "impl/base/strong.h"
#include "impl/gateway/tcp_connections.h"
#include "impl/http/head.h"
#include "impl/tunnel/byte_stream.h"

namespace gatelab::sim {
namespace {

using tunnel::ByteStream;
using Id = Strong<struct ProxyConnectionTag, std::uint64_t>;
using Connections = gateway::TcpConnections<ByteStream, Id>;

constexpr Duration kLinger = std::chrono::seconds(10);  // for an end to close once the other one has
constexpr std::string_view kComponent = "http-proxy";

struct Target {
    std::string host;
    std::uint16_t port = 0;
};

// "host:port" (RFC 9110 section 9.3.6).
std::optional<Target> parse_target(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == 0 || colon == text.npos) return std::nullopt;
    const auto digits = text.substr(colon + 1);
    Target target{std::string{text.substr(0, colon)}, 0};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), target.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || target.port == 0) return std::nullopt;
    return target;
}

// Whether the connection may stay after an answer that opens no tunnel (RFC 9112 section 9.3).
bool may_ask_again(const http::Request& request) {
    if (request.version == "HTTP/1.1") return !http::lists(request.fields, "Connection", "close");
    return http::lists(request.fields, "Connection", "keep-alive") ||
           http::lists(request.fields, "Proxy-Connection", "keep-alive");
}

struct Refusal {
    int status;
    std::string_view reason;
    std::string why;
};

// One connection of a client and, once it has asked well, the one that was opened for it.
struct Session {
    Session(std::size_t largest_head, Endpoint from) : reader(largest_head), client(from) {}

    http::HeadReader reader;
    const Endpoint client;
    std::string asked_for;  // "gw.example.com:443"; "" until a CONNECT has been read
    std::string user;       // who signed in; "" where nobody need
    std::unique_ptr<ByteStream> target;
    Bytes early;  // what came behind the head before the target had accepted
    Timer timer;  // until the target has accepted; for an end to close
    std::uint64_t to_target = 0, to_client = 0;
    bool open = false, target_closed = false, client_closed = false;
};

class Proxy final : public HttpProxy, private Connections::Owner {
public:
    Proxy(Host& host, HttpProxyOptions options, std::unique_ptr<TcpListener> listener)
        : host_(host),
          options_(std::move(options)),
          connections_(host, std::move(listener),
                       {.connections = options_.connections,
                        .untrusted = std::max<std::size_t>(1, options_.connections / 2),
                        .patience = options_.head_within,
                        .linger = kLinger},
                       {.queue = options_.queue}, *this) {}

    Counters counters() const override {
        auto counters = counters_;
        for (const auto& [id, session] : sessions_) counters.tunnels += session.open ? 1 : 0;
        return counters;
    }

private:
    // --- a client's side ---

    void handle_accepted(Id id) override {
        sessions_.try_emplace(id, options_.largest_head, connections_.endpoint_of(id));
        connections_.find(id)->on_room([this, id] { resume_target(id); });
    }

    void handle_received(Id id, ByteView bytes) override {
        while (!bytes.empty()) {
            const auto at = sessions_.find(id);
            if (at == sessions_.end() || !is_open(id)) return;
            auto& session = at->second;
            if (session.open) return relay_to_target(id, session, bytes);
            if (!session.asked_for.empty()) return keep_early(id, session, bytes);
            const auto head = session.reader.take(bytes);
            if (!head) return refuse(id, {431, "Request Header Fields Too Large", head.error().detail});
            if (!*head) return;
            bytes = bytes.subspan((*head)->used);
            handle_request(id, session, (*head)->text);
        }
    }

    void handle_disconnect(Id id, const std::string& why) override {
        const auto at = sessions_.find(id);
        if (at == sessions_.end()) return;
        auto& session = at->second;
        session.client_closed = true;
        if (!session.open || session.target_closed || !why.empty()) return end(id, session, why);
        session.target->close();
        session.timer = host_.call_at(host_.now() + kLinger, [this, id] { handle_target_closed(id, {}); });
    }

    bool is_open(Id id) {
        const auto* stream = connections_.find(id);
        return stream && stream->is_open();
    }

    // --- requests ---

    void handle_request(Id id, Session& session, const std::string& head) {
        const auto request = http::parse_request(head);
        if (!request) return refuse(id, {400, "Bad Request", request.error().detail});
        if (request->method != "CONNECT")
            return refuse(id, {405, "Method Not Allowed", "method " + request->method}, {{"Allow", "CONNECT"}});
        if (!options_.users.empty() && !sign_in(session, *request)) return challenge(id, *request);
        const auto target = parse_target(request->target);
        if (!target) return refuse(id, {400, "Bad Request", "CONNECT wants host:port, not " + request->target});
        session.asked_for = request->target;
        if (std::ranges::find(options_.allowed_ports, target->port) == options_.allowed_ports.end())
            return refuse(id, {403, "Forbidden", "port " + std::to_string(target->port) + " is not allowed"});
        dial(id, session, *target);
    }

    bool sign_in(Session& session, const http::Request& request) {
        const auto said = http::field(request.fields, "Proxy-Authorization");
        const auto credentials = said ? http::parse_basic_authorization(*said) : std::nullopt;
        if (!credentials || std::ranges::find(options_.users, *credentials) == options_.users.end()) return false;
        session.user = credentials->username;
        return true;
    }

    // The client may answer on the same connection (RFC 9110 section 15.5.8).
    void challenge(Id id, const http::Request& request) {
        const http::Fields fields{{"Proxy-Authenticate", "Basic realm=\"gatelab\""}};
        const bool said = http::field(request.fields, "Proxy-Authorization").has_value();
        const Refusal refusal{407, "Proxy Authentication Required", said ? "wrong credentials" : "no credentials"};
        if (!may_ask_again(request)) return refuse(id, refusal, fields);
        tell(id, refusal);
        auto more = fields;
        more.emplace_back("Content-Length", "0");
        const auto answer = http::encode(http::Response{407, std::string{refusal.reason}, "HTTP/1.1", more});
        if (auto* stream = connections_.find(id); stream && !stream->send(answer))
            connections_.drop(id, "reads nothing");
    }

    void tell(Id id, const Refusal& refusal) {
        ++counters_.refused;
        const auto at = sessions_.find(id);
        host_.emit(kComponent, {"refused",
                                {{"client", to_string(connections_.endpoint_of(id))},
                                 {"target", at == sessions_.end() ? "" : at->second.asked_for},
                                 {"status", std::int64_t{refusal.status}},
                                 {"why", refusal.why}}});
    }

    void refuse(Id id, const Refusal& refusal, const http::Fields& more = {}) {
        tell(id, refusal);
        if (auto* stream = connections_.find(id))
            stream->send(http::plain_answer(refusal.status, refusal.reason, refusal.why + "\n", more));
        connections_.close(id);
    }

    // --- a target's side ---

    void dial(Id id, Session& session, const Target& target) {
        const auto address = address_of(target.host);
        if (!address) return refuse(id, {502, "Bad Gateway", address.error().detail});
        auto stream = host_.connect_tcp({*address, target.port});
        if (!stream) return refuse(id, {502, "Bad Gateway", stream.error().detail});
        connections_.settle(id);
        if (auto* client = connections_.find(id)) client->set_reading(false);
        session.target = std::make_unique<ByteStream>(
            std::move(*stream), ByteStream::Limits{.queue = options_.queue},
            ByteStream::Callbacks{.connected = [this, id] { handle_connected(id); },
                                  .received = [this, id](ByteView bytes) { relay_to_client(id, bytes); },
                                  .closed = [this, id](const std::string& why) { handle_target_closed(id, why); }});
        session.target->on_room([this, id] { resume_client(id); });
        session.timer = host_.call_at(host_.now() + options_.dial_within, [this, id] {
            give_up(id, {504, "Gateway Timeout", "the target does not answer"});
        });
    }

    Result<Ipv4Address> address_of(const std::string& host) const {
        if (const auto dotted = parse_address(host)) return *dotted;
        if (!options_.resolve) return fail(Fault::NotFound, "names are not resolved here");
        return options_.resolve(host);
    }

    void handle_connected(Id id) {
        const auto at = sessions_.find(id);
        if (at == sessions_.end()) return;
        auto& session = at->second;
        session.timer.reset();
        auto* client = connections_.find(id);
        if (!client || session.client_closed) return;
        session.open = true;
        ++counters_.opened;
        connections_.trust(id);
        host_.emit(kComponent, {"tunnel-opened",
                                {{"client", to_string(session.client)},
                                 {"target", session.asked_for},
                                 {"address", to_string(session.target->remote())},
                                 {"user", session.user}}});
        client->send(http::encode(http::Response{200, "Connection established", "HTTP/1.1", {}}));
        client->set_reading(true);
        if (const auto early = std::exchange(session.early, {}); !early.empty()) relay_to_target(id, session, early);
    }

    void handle_target_closed(Id id, const std::string& why) {
        const auto at = sessions_.find(id);
        if (at == sessions_.end()) return;
        auto& session = at->second;
        session.target_closed = true;
        if (!session.open) return give_up(id, {502, "Bad Gateway", why.empty() ? "the target hung up" : why});
        if (session.client_closed) return end(id, session, why);
        if (why.empty())
            connections_.close(id);  // handle_disconnect() comes once the client has closed, too
        else
            connections_.drop(id, why);
    }

    // The target came to nothing.
    void give_up(Id id, const Refusal& refusal) {
        const auto at = sessions_.find(id);
        if (at == sessions_.end()) return;
        auto& session = at->second;
        session.timer.reset();
        session.target_closed = true;
        bury(std::move(session.target));
        if (!session.client_closed) refuse(id, refusal);
    }

    // --- relaying ---

    void keep_early(Id id, Session& session, ByteView bytes) {
        if (session.early.size() + bytes.size() > 2 * options_.queue)
            return connections_.drop(id, "sent too much before the target had accepted");
        session.early.insert(session.early.end(), bytes.begin(), bytes.end());
    }

    void relay_to_target(Id id, Session& session, ByteView bytes) {
        if (session.target_closed) return;
        if (!session.target->send(bytes)) return connections_.drop(id, "the target reads too slowly");
        session.to_target += bytes.size();
        counters_.to_targets += bytes.size();
        auto* client = connections_.find(id);
        if (client && !session.target->has_room()) client->set_reading(false);
    }

    void relay_to_client(Id id, ByteView bytes) {
        const auto at = sessions_.find(id);
        auto* client = connections_.find(id);
        if (at == sessions_.end() || !client || !client->is_open()) return;
        if (!client->send(bytes)) return connections_.drop(id, "the client reads too slowly");
        at->second.to_client += bytes.size();
        counters_.to_clients += bytes.size();
        if (!client->has_room()) at->second.target->set_reading(false);
    }

    void resume_target(Id id) {
        const auto at = sessions_.find(id);
        if (at != sessions_.end() && at->second.target) at->second.target->set_reading(true);
    }

    void resume_client(Id id) {
        const auto at = sessions_.find(id);
        auto* client = connections_.find(id);
        if (client && at != sessions_.end() && at->second.open) client->set_reading(true);
    }

    // --- the end ---

    // Both ends have closed, or one has failed.
    void end(Id id, Session& session, const std::string& why) {
        const auto client = to_string(session.client);
        if (!session.open && !why.empty()) host_.emit(kComponent, {"dropped", {{"client", client}, {"why", why}}});
        if (session.open)
            host_.emit(kComponent, {"tunnel-closed",
                                    {{"client", client},
                                     {"target", session.asked_for},
                                     {"to-target", static_cast<std::int64_t>(session.to_target)},
                                     {"to-client", static_cast<std::int64_t>(session.to_client)},
                                     {"why", why}}});
        bury(std::move(session.target));
        sessions_.erase(id);
    }

    // A stream is destroyed outside of its own callbacks.
    void bury(std::unique_ptr<ByteStream> stream) {
        if (!stream) return;
        buried_.push_back(std::move(stream));
        burial_ = host_.call_at(host_.now(), [this] { buried_.clear(); });
    }

    Host& host_;
    const HttpProxyOptions options_;
    Counters counters_;
    std::map<Id, Session> sessions_;
    std::vector<std::unique_ptr<ByteStream>> buried_;
    Timer burial_;
    Connections connections_;  // last: its callbacks use the rest
};

}  // namespace

Result<std::unique_ptr<HttpProxy>> HttpProxy::start(Host& host, HttpProxyOptions options) {
    auto listener = host.listen_tcp(options.local);
    if (!listener) return pass(listener);
    return std::make_unique<Proxy>(host, std::move(options), std::move(*listener));
}

}  // namespace gatelab::sim
