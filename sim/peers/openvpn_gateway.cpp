#include "sim/peers/openvpn_gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
using Client = OpenVpnManagement::Client;

constexpr Duration kReadyWithin = 8s;
constexpr Duration kLongestFarewell = 5s;

std::string text_of(const Client& client, const std::string& variable) {
    const auto found = client.environment.find(variable);
    return found == client.environment.end() ? std::string{} : found->second;
}

// Where it has come from: "trusted" once it has proved itself.
Endpoint origin_of(const Client& client) {
    for (const std::string kind : {"trusted", "untrusted"}) {
        const auto address = parse_address(text_of(client, kind + "_ip"));
        const auto digits = text_of(client, kind + "_port");
        std::uint16_t port = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (address && port != 0) return {*address, port};
    }
    return {};
}

std::string user_of(const Client& client) {
    const auto name = text_of(client, "common_name");
    return name.empty() || name == "UNDEF" ? text_of(client, "username") : name;
}

}  // namespace

// A grip on a user's tunnel, whichever it is at the moment.
class OpenVpnGateway::End final : public TunnelEnd {
public:
    End(OpenVpnGateway& gateway, std::string user) : gateway_(gateway), user_(std::move(user)) {}
    TunnelStatus status() const override {
        const auto [port, session] = gateway_.find(user_);
        return session ? gateway_.status_of(*port, *session) : TunnelStatus{};
    }
    void rekey_child() override {}
    void rekey_ike() override {}
    void check_liveness() override {}
    void disconnect() override {
        const auto [port, session] = gateway_.find(user_);
        if (session) port->process->send(halt_client(session->client));
    }

private:
    OpenVpnGateway& gateway_;
    const std::string user_;
};

OpenVpnGateway::OpenVpnGateway(std::unique_ptr<OpenVpnMachine> machine, Options options)
    : machine_(std::move(machine)), options_(std::move(options)), ports_(options_.doors.size()) {
    deadline_ = machine_->network().call_at(machine_->now() + kReadyWithin, [this] {
        for (const auto& port : ports_)
            if (!port.ready && !error_)
                error_ = machine_->wrong(port.door.name(), Fault::Unavailable, "openvpn was not ready in time");
    });
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        ports_[i].door = options_.doors[i];
        ports_[i].card = fmt::format("tun{}", i);
        launch(ports_[i]);
    }
}

OpenVpnGateway::~OpenVpnGateway() {
    if (!finished_) (void)machine_->finish();
}

void OpenVpnGateway::launch(Port& port) {
    const auto name = port.door.name();
    port.ended = port.ready = false;
    port.had_one = false;
    port.only_one_ever = true;
    port.process = machine_->run(
        name,
        openvpn_server_arguments(
            {machine_->folder() + name + ".conf", machine_->management_of(name), machine_->log_of(name)}, options_.tls),
        [this, &port](auto output) { handle(port, std::move(output)); },
        [this, &port](Result<int> how) { handle_end(port, std::move(how)); });
}

Result<bool> OpenVpnGateway::ready() const {
    if (error_) return tl::unexpected<Error>(*error_);
    if (const auto health = machine_->health(); !health) return pass(health);
    return restarting_ || std::all_of(ports_.begin(), ports_.end(), [](const auto& port) { return port.ready; });
}

// --- what the programs tell -------------------------------------------------------------------------------------

void OpenVpnGateway::handle(Port& port, OpenVpnManagement::Output output) {
    if (const auto* state = std::get_if<OpenVpnManagement::State>(&output); state && state->name == "CONNECTED")
        port.ready = true;
    if (const auto* client = std::get_if<Client>(&output)) handle(port, *client);
    if (const auto* log = std::get_if<OpenVpnManagement::Log>(&output)) handle(port, *log);
    if (const auto* inside = std::get_if<OpenVpnManagement::Address>(&output))
        if (const auto known = port.sessions.find(inside->client); known != port.sessions.end())
            if (const auto address = parse_address(inside->address)) known->second.tunnel.inner_address = *address;
}

void OpenVpnGateway::handle(Port& port, const Client& client) {
    switch (client.kind) {
        case Client::Kind::Connect:
        case Client::Kind::Reauth: return judge(port, client);
        case Client::Kind::Established: return note_up(port, client);
        case Client::Kind::Disconnect: break;
    }
    const auto known = port.sessions.find(client.client);
    if (known == port.sessions.end()) return;
    note_down(known->second, known->second.tunnel.failure);
    port.sessions.erase(known);
}

void OpenVpnGateway::judge(Port& port, const Client& client) {
    const auto name = text_of(client, "username"), password = text_of(client, "password");
    const auto& users = options_.users;
    const bool known = users.empty() || std::any_of(users.begin(), users.end(), [&](const auto& user) {
                           return user.name == name && user.password == password;
                       });
    if (known) {
        if (client.kind == Client::Kind::Connect) expect(port, client);
        return port.process->send(accept(client));
    }
    machine_->emit({"refused", {{"user", name}, {"reason", "authentication-failed"}}});
    port.process->send(deny(client, "unknown user or wrong password"));
}

// What is logged about it from here on is about a tunnel.
void OpenVpnGateway::expect(Port& port, const Client& client) {
    auto& session = port.sessions[client.client];
    session = {};
    session.client = client.client;
    session.user = user_of(client);
    session.tunnel.protocol = "openvpn-" + port.door.name();
    session.tunnel.peer = session.user;
    session.tunnel.outer_peer = origin_of(client);
    session.tunnel.routes = options_.networks;
}

void OpenVpnGateway::note_up(Port& port, const Client& client) {
    const auto known = port.sessions.find(client.client);
    if (known == port.sessions.end()) return;
    auto& session = known->second;
    auto& tunnel = session.tunnel;
    session.order = ++arrivals_;
    tunnel.up = true;
    tunnel.outer_peer = origin_of(client);
    if (const auto inner = parse_address(text_of(client, "ifconfig_pool_remote_ip"))) tunnel.inner_address = *inner;
    port.only_one_ever &= std::exchange(port.had_one, true) == false;
    machine_->emit({"tunnel-up",
                    {{"peer", tunnel.peer},
                     {"inner-address", to_string(tunnel.inner_address)},
                     {"from", to_string(tunnel.outer_peer)},
                     {"tls", tunnel.tls_suite},
                     {"cipher", tunnel.data_cipher}}});
}

void OpenVpnGateway::note_down(const Session& session, const std::string& reason) {
    if (!session.tunnel.up) return;
    machine_->emit({"tunnel-down", {{"peer", session.user}, {"reason", reason.empty() ? "peer-exit" : reason}}});
}

void OpenVpnGateway::handle(Port& port, const OpenVpnManagement::Log& log) {
    const auto line = split_log_line(log.text);
    const auto fact = fact_in(line.text);
    if (!fact) return;
    // This line has no name in front.
    const auto* floated = std::get_if<LoggedFloat>(&*fact);
    if (!floated && !line.client) return;
    const auto who = floated ? floated->from : *line.client;
    const auto known = std::find_if(port.sessions.begin(), port.sessions.end(),
                                    [&](const auto& one) { return one.second.tunnel.outer_peer == who; });
    if (known == port.sessions.end()) {
        if (const auto* failure = std::get_if<LoggedFailure>(&*fact))
            machine_->emit({"refused", {{"from", to_string(who)}, {"reason", failure->reason}}});
        return;
    }
    auto& session = known->second;
    auto& tunnel = session.tunnel;
    if (const auto* tls = std::get_if<LoggedTls>(&*fact)) tunnel.tls_suite = tls->suite;
    if (const auto* failure = std::get_if<LoggedFailure>(&*fact)) tunnel.failure = failure->reason;
    if (const auto* drop = std::get_if<LoggedDrop>(&*fact)) ++(drop->replayed ? tunnel.replayed : tunnel.unauthentic);
    if (const auto* moved = std::get_if<LoggedFloat>(&*fact)) {
        tunnel.outer_peer = moved->to;
        ++tunnel.moved;
        machine_->emit({"floated", {{"peer", session.user}, {"to", to_string(moved->to)}}});
    }
    if (const auto* cipher = std::get_if<LoggedCipher>(&*fact)) {
        tunnel.data_cipher = cipher->name;
        tunnel.ike_rekeys = tunnel.child_rekeys = session.keys++;
        if (tunnel.up) machine_->emit({"renegotiated", {{"peer", session.user}, {"tls", tunnel.tls_suite}}});
    }
}

void OpenVpnGateway::handle_end(Port& port, Result<int> how) {
    port.ended = true;
    if (left_) return;
    const auto what = how ? describe_exit(*how) : how.error().detail;
    forget_sessions(port, "program-died");
    if (restarting_ && how) {
        launch(port);
        restarting_ = std::any_of(ports_.begin(), ports_.end(), [](const auto& one) { return one.ended; });
        return;
    }
    if (!error_)
        error_ = machine_->wrong(port.door.name(), how ? Fault::Unavailable : how.error().fault,
                                 (port.ready ? "openvpn has died: " : "openvpn ended before it was ready: ") + what);
    machine_->emit({"program-died", {{"detail", what}}});
}

void OpenVpnGateway::forget_sessions(Port& port, const std::string& reason) {
    for (const auto& [number, session] : port.sessions) note_down(session, reason);
    port.sessions.clear();
}

// --- sessions ---------------------------------------------------------------------------------------------------

std::vector<std::string> OpenVpnGateway::sessions() const {
    std::map<std::uint64_t, std::string> users;
    for (const auto& port : ports_)
        for (const auto& [number, session] : port.sessions)
            if (session.tunnel.up) users[session.order] = session.user;
    std::vector<std::string> names;
    for (const auto& [order, user] : users)
        if (std::find(names.begin(), names.end(), user) == names.end()) names.push_back(user);
    return names;
}

TunnelEnd* OpenVpnGateway::session(const std::string& user) {
    if (!find(user).second) return nullptr;
    auto& end = ends_[user];
    if (!end) end = std::make_unique<End>(*this, user);
    return end.get();
}

std::pair<OpenVpnGateway::Port*, OpenVpnGateway::Session*> OpenVpnGateway::find(const std::string& user) {
    std::pair<Port*, Session*> found{};
    for (auto& port : ports_)
        for (auto& [number, session] : port.sessions)
            if (session.tunnel.up && session.user == user && (!found.second || session.order > found.second->order))
                found = {&port, &session};
    return found;
}

TunnelStatus OpenVpnGateway::status_of(Port& port, const Session& session) {
    auto status = session.tunnel;
    if (!port.only_one_ever) return status;
    // The card is the client's alone. What goes out there is what the client gets, so to speak: the program reads it.
    const auto packets = machine_->packets(port.card);
    status.packets_in = packets.in;
    status.packets_out = packets.out;
    return status;
}

// --- the end ----------------------------------------------------------------------------------------------------

// The program must be gone before its successor wants its port and its card.
bool OpenVpnGateway::restart() {
    if (left_ || error_) return false;
    restarting_ = true;
    for (auto& port : ports_) port.process->kill();
    return true;
}

void OpenVpnGateway::leave() {
    if (std::exchange(left_, true)) return;
    for (auto& port : ports_)
        if (!port.ended) port.process->end();
}

bool OpenVpnGateway::ended() const {
    return std::all_of(ports_.begin(), ports_.end(), [](const auto& port) { return port.ended; });
}

Result<void> OpenVpnGateway::finish() {
    if (std::exchange(finished_, true)) return {};
    leave();
    machine_->network().run_until([this] { return ended(); }, machine_->now() + kLongestFarewell);
    auto kept = machine_->finish();
    if (error_) return tl::unexpected<Error>(*error_);
    if (!ended()) return fail(Fault::Io, machine_->node() + ": openvpn cannot be ended");
    return kept;
}

}  // namespace gatelab::sim::peers
