#include "sim/peers/softether_gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "sim/credentials.h"
#include "sim/peers/charon.h"
#include "sim/peers/ike_end.h"
#include "sim/peers/namespace_machine.h"
#include "sim/peers/softether_package.h"
#include "sim/peers/tls_keys.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr Duration kReadyWithin = 9s;
constexpr Duration kAskEvery = 1s, kAskAttentively = 200ms, kAttention = 3s;
constexpr Duration kGraceToEnd = 1s, kLongestFarewell = 3s;
constexpr const char* kComponent = "softether";
constexpr const char* kFolder = "softether";
constexpr const char* kAnswer = "answer";

class SoftEtherGateway final : public GatewayPlayer {
public:
    struct Options {
        std::string node, protocol;
        SoftEtherPlaces places;
        std::vector<ConfigFile> files;
        std::vector<Prefix> networks;
        std::string version;
    };
    SoftEtherGateway(const Stage& stage, std::unique_ptr<Machine> machine, Options options)
        : stage_(stage), machine_(std::move(machine)), options_(std::move(options)) {
        deadline_ = stage_.network.call_at(now() + kReadyWithin, [this] {
            if (state_ == State::Starting) fail_with(Fault::Unavailable, "SoftEther was not ready in time");
        });
        server_ = run("start", "exec unshare -m /bin/sh " + options_.places.folder + "/start",
                      [this](Result<int> how) { handle_end(std::move(how)); });
        configuring_ = run("configure", "exec /bin/sh " + options_.places.folder + "/configure", [this](auto how) {
            if (state_ != State::Starting) return;
            if (!how) return fail_with(how.error().fault, how.error().detail);
            if (*how != 0) return fail_with(Fault::Refused, "SoftEther does not take the configuration");
            state_ = State::Ready;
            query();
        });
    }
    ~SoftEtherGateway() override {
        if (!finished_) (void)keep_evidence();
    }

    std::vector<std::string> sessions() const override {
        look();
        std::vector<std::string> users;
        for (const auto& session : sessions_)
            if (std::find(users.begin(), users.end(), session.user) == users.end()) users.push_back(session.user);
        return users;
    }
    TunnelEnd* session(const std::string& user) override {
        if (!find(user)) return nullptr;
        return &ends_.try_emplace(user, *this, user).first->second;
    }
    Result<bool> ready() const override {
        if (state_ == State::Failed) return tl::unexpected<Error>(error_);
        if (const auto health = machine_->health(); !health) return pass(health);
        return state_ == State::Ready;
    }
    Host* stack() override { return &machine_->stack(); }
    std::string program() const override { return "SoftEther VPN Server " + options_.version; }
    void ask() override {
        asked_ = state_ == State::Ready;
        query();
    }
    bool told() const override { return !asked_; }

    void leave() override {
        if (std::exchange(left_, true)) return;
        asking_.reset();
        if (ended_) return;
        server_->signal(SIGTERM);
        killing_ = stage_.network.call_at(now() + kGraceToEnd, [this] { server_->signal(SIGKILL); });
    }
    Result<void> finish() override {
        if (std::exchange(finished_, true)) return {};
        leave();
        stage_.network.run_until([this] { return ended_; }, now() + kLongestFarewell);
        auto kept = keep_evidence();
        if (state_ == State::Failed) return tl::unexpected<Error>(error_);
        if (!ended_) return fail(Fault::Io, options_.node + ": vpnserver cannot be ended");
        return kept;
    }

private:
    enum class State { Starting, Ready, Failed };

    class End final : public TunnelEnd {
    public:
        End(SoftEtherGateway& gateway, std::string user) : gateway_(gateway), user_(std::move(user)) {}
        TunnelStatus status() const override {
            gateway_.look();
            const auto* session = gateway_.find(user_);
            return session ? gateway_.status_of(*session) : TunnelStatus{};
        }
        void rekey_child() override {}
        void rekey_ike() override {}
        void check_liveness() override {}
        void disconnect() override {
            if (const auto* session = gateway_.find(user_)) gateway_.order("SessionDisconnect " + session->name);
        }

    private:
        SoftEtherGateway& gateway_;
        const std::string user_;
    };

    Duration now() const { return stage_.network.now(); }
    fs::path share() const { return machine_->folder() / kFolder; }
    void emit(Trace trace) const { stage_.network.emit(options_.node, kComponent, std::move(trace)); }

    std::unique_ptr<Program> run(const std::string& name, const std::string& command,
                                 std::function<void(Result<int>)> ended) {
        ProgramSpec program;
        program.arguments = {"/bin/sh", "-c", command};
        program.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "LANG=C", "TZ=UTC", "HOME=/mnt"};
        if (!options_.places.package.empty())
            program.environment.push_back("LD_LIBRARY_PATH=" + libraries_of(options_.places.package).string());
        if (name == "start" && !stage_.folder.empty())
            for (auto& variable : tls_keys_environment(*machine_)) program.environment.push_back(std::move(variable));
        program.output = fmt::format("{}/{}.out", kFolder, name);
        return machine_->run(program, std::move(ended));
    }

    void look() const {
        const bool attentive = looked_ && now() - *looked_ <= kAttention;
        looked_ = now();
        if (!attentive && state_ == State::Ready && !left_) const_cast<SoftEtherGateway*>(this)->query();
    }

    // Its answer to one question after the other; nothing tells by itself.
    void query() {
        if (querying_ || left_ || state_ != State::Ready) return;
        asking_.reset();
        querying_ = run("query", softether_order(options_.places, "/IN:query") + " > " + kAnswer, [this](auto how) {
            querying_.reset();
            if (how && *how == 0) note(softether_sessions_in(read_file(share() / kAnswer)));
            asked_ = false;
            if (left_) return;
            const bool attentive = looked_ && now() - *looked_ <= kAttention;
            asking_ = stage_.network.call_at(now() + (attentive ? kAskAttentively : kAskEvery), [this] { query(); });
        });
    }
    void order(const std::string& what) {
        ordering_ = run("order", softether_order(options_.places, what), [this](auto) { ordering_.reset(); });
    }

    // A client that has no address yet has not got through.
    void note(std::vector<SoftEtherSession> told) {
        std::erase_if(told, [](const auto& one) { return one.inner_address.is_unspecified(); });
        const auto has = [](const auto& all, const auto& wanted) {
            return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.name == wanted.name; });
        };
        for (const auto& one : told)
            if (!has(sessions_, one))
                emit({"tunnel-up", {{"peer", one.user}, {"inner-address", to_string(one.inner_address)}}});
        for (const auto& one : sessions_)
            if (!has(told, one)) emit({"tunnel-down", {{"peer", one.user}}});
        sessions_ = std::move(told);
    }

    const SoftEtherSession* find(const std::string& user) const {
        const auto found =
            std::find_if(sessions_.rbegin(), sessions_.rend(), [&](const auto& one) { return one.user == user; });
        return found == sessions_.rend() ? nullptr : &*found;
    }
    TunnelStatus status_of(const SoftEtherSession& session) const {
        TunnelStatus status;
        status.up = true;
        status.protocol = options_.protocol;
        status.peer = session.user;
        status.inner_address = session.inner_address;
        status.outer_peer.address = session.source;
        status.routes = options_.networks;
        return status;
    }

    void handle_end(Result<int> how) {
        ended_ = true;
        killing_.reset();
        if (left_) return;
        const auto what = how ? describe_exit(*how) : how.error().detail;
        note({});
        fail_with(how ? Fault::Unavailable : how.error().fault, "vpnserver has died: " + what);
        emit({"program-died", {{"detail", what}}});
    }
    void fail_with(Fault fault, const std::string& what) {
        if (state_ == State::Failed) return;
        state_ = State::Failed;
        const auto said = read_file(share() / "start.out") + read_file(share() / "configure.out");
        error_ = {fault, fmt::format("{}: {}", options_.node, what)};
        if (!said.empty()) error_.detail += "; it said\n" + last_lines(said, 40);
    }

    Result<void> keep_evidence() const {
        if (stage_.folder.empty()) return {};
        collect_tls_keys(*machine_, stage_.keys);
        const auto evidence = stage_.folder / options_.node;
        for (const auto& file : options_.files)
            if (!file.secret)
                if (auto kept = write_file(evidence / file.path, file.text); !kept) return kept;
        std::error_code none;
        for (const auto& entry : fs::recursive_directory_iterator{share() / "log", none})
            if (entry.is_regular_file())
                if (auto kept = write_file(evidence / entry.path().filename(), read_file(entry.path())); !kept)
                    return kept;
        return write_file(evidence / "program.txt", fmt::format("program: vpnserver\nversion: {}\n", program()));
    }

    const Stage stage_;
    const std::unique_ptr<Machine> machine_;
    const Options options_;
    State state_ = State::Starting;
    Error error_{};
    std::vector<SoftEtherSession> sessions_;
    std::map<std::string, End> ends_;
    bool asked_ = false, left_ = false, ended_ = false, finished_ = false;
    mutable std::optional<Duration> looked_;
    std::unique_ptr<Program> server_, configuring_, querying_, ordering_;
    Timer deadline_, asking_, killing_;
};

// Everybody who dials this gateway with a certificate, and those that it lists.
std::vector<SoftEtherSettings::User> users_of(const Stage& stage, const std::string& name,
                                              const topologies::Gateway& gateway) {
    std::vector<SoftEtherSettings::User> users;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(stage.topology.graph))) {
        const auto* client = std::get_if<topologies::Client>(&stage.topology.graph[vertex].kind);
        if (!client || client->gateway != name || client->certificate.empty()) continue;
        if (client->authentication != topologies::Authentication::Certificate) continue;
        const auto known = [&](const auto& user) { return user.name == client->certificate; };
        if (std::none_of(users.begin(), users.end(), known)) users.push_back({client->certificate, ""});
    }
    for (const auto& user : gateway.users) users.push_back({user.name, user.password});
    return users;
}

Result<SoftEtherSettings> settings_of(const Stage& stage, const std::string& name, const topologies::Gateway& node) {
    auto identity = stage.pki.identity(node.certificate);
    if (!identity) return named(name, identity);
    auto roots = stage.pki.trust(node.root_certificates);
    if (!roots) return named(name, roots);
    if (identity->key.type() != crypto::KeyType::Rsa)
        return fail(Fault::Unsupported, name + ": SoftEther 5.01 needs a certificate with an RSA key");
    if (node.openvpn.protection != topologies::OpenVpn::Protection::None)
        return fail(Fault::Unsupported,
                    fmt::format("{}: SoftEther 5.01 has no {}", name, name_of(node.openvpn.protection)));
    SoftEtherSettings settings{.identity = std::move(*identity),
                               .roots = std::move(*roots),
                               .tcp_port = node.openvpn.tcp_port,
                               .udp_port = node.openvpn.udp_port,
                               .pool = node.client_address_pool,
                               .networks = node.custom_routes,
                               .dns_servers = node.dns_servers,
                               .users = users_of(stage, name, node)};
    if (const auto* network = topologies::find_as<topologies::VirtualNetwork>(stage.topology, node.virtual_network))
        settings.networks.insert(settings.networks.begin(), network->address_space.begin(),
                                 network->address_space.end());
    return settings;
}

}  // namespace

Result<std::unique_ptr<GatewayPlayer>> make_softether_gateway(const Stage& stage, const std::string& name) {
    if (stage.guests)
        return fail(Fault::Unavailable, name + ": SoftEther takes part in real time only (--real-peers=realtime)");
    const auto& node = *topologies::find_as<topologies::Gateway>(stage.topology, name);
    const auto package = find_softether();
    if (!package) return fail(package.error().fault, name + ": " + package.error().detail);
    const auto settings = settings_of(stage, name, node);
    if (!settings) return pass(settings);
    NamespaceMachineSpec space{.node = name, .port = port_of(name), .machine = {}};
    space.machine.addresses = {node.public_address, node.inside_address};
    space.machine.forwards = true;
    space.seed = stage.seed;
    space.epoch = stage.topology.epoch;
    auto machine = make_namespace_machine(stage.network, std::move(space));
    if (!machine) return pass(machine);
    SoftEtherGateway::Options options;
    options.node = name;
    if (!node.openvpn.udp_port || !node.openvpn.tcp_port)
        options.protocol = node.openvpn.tcp_port ? "openvpn-tcp" : "openvpn-udp";
    options.places = {package->root.string(), (*machine)->inside(kFolder)};
    options.files = softether_files(*settings, options.places);
    options.networks = settings->networks;
    options.version = package->version;
    for (const auto& file : options.files)
        if (auto put = write_file((*machine)->folder() / kFolder / file.path, file.text); !put) return pass(put);
    if (!stage.folder.empty())
        if (auto put = put_tls_keys_library(**machine); !put) return pass(put);
    return std::make_unique<SoftEtherGateway>(stage, std::move(*machine), std::move(options));
}

}  // namespace gatelab::sim::peers
