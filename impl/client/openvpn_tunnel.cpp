#include "impl/client/openvpn_tunnel.h"

#include <utility>

#include "impl/client/routes.h"
#include "impl/openvpn/session.h"
#include "impl/tunnel/packet_stream.h"

namespace gatelab::client {
namespace {

using openvpn::Session;
using openvpn::Transport;

constexpr const char* kComponent = "openvpn";
constexpr Duration kLastWords = std::chrono::seconds(5);

class OpenVpnTunnel final : public ClientTunnel {
public:
    OpenVpnTunnel(Host& host, OpenVpn config, TunnelUser& user)
        : host_(host), config_(std::move(config)), user_(user) {}

    std::string protocol() const override {
        const auto& remotes = config_.profile.remotes;
        const auto said = remotes.empty() ? std::nullopt : remotes.front().transport;
        const auto transport = said ? said : config_.profile.transport;
        return "openvpn-" + std::string(name_of(transport.value_or(Transport::Udp)));
    }
    std::string gateway() const override {
        if (!remote_.address.is_unspecified()) return to_string(remote_);
        const auto& remotes = config_.profile.remotes;
        return remotes.empty() ? "" : remotes.front().host + ':' + std::to_string(remotes.front().port);
    }

    void dial() override;
    void close() override {
        if (!session_) return;
        session_->close(host_.now());
        pump();
    }
    void abandon() override {
        silenced_ = true;
        close();
    }

    void send(ByteView inner) override {
        if (!session_) return;
        if (stream_ && !stream_->has_room()) return void(++dropped_);
        session_->seal(host_.now(), inner, [this](ByteView packet) { transmit(packet); });
        pump();  // the packet may have been the last one of a key
    }
    void rekey_child() override {
        if (!session_) return;
        session_->renegotiate(host_.now());
        pump();
    }
    void rekey_ike() override { rekey_child(); }
    void check_liveness() override {
        if (session_) session_->ping(host_.now(), [this](ByteView packet) { transmit(packet); });
    }

    tunnel::Status status() const override {
        if (session_) return snapshot();
        return last_ ? tunnel::Status{*last_} : tunnel::Status{};
    }
    void on_keys(tunnel::KeyObserver observer) override { keys_ = std::move(observer); }

private:
    Result<Ipv4Address> resolve(const std::string& host) const;
    Result<void> prepare();
    void open_udp(Ipv4Address local);
    void open_tcp();
    void begin();
    void fail_with(const std::string& reason, const std::string& detail);

    void handle_packet(ByteView);
    void handle_closed_connection(const std::string& why);
    void transmit(ByteView packet);
    void pump();
    void arm();
    void act(const Session::Send& send) { transmit(send.packet); }
    void act(const Session::Opened&);
    void act(const Session::Renegotiated&);
    void act(const Session::Secret& secret) {
        if (keys_.tls) keys_.tls(secret.line);
    }
    void act(const Session::Closed&);
    void act(const Trace& trace) { host_.emit(kComponent, trace); }
    template <class Other>
    void act(const Other&) {}  // a server's

    tunnel::OpenVpnStatus snapshot() const {
        return {
            .session = session_->status(), .transport = transport_, .peer = remote_, .moved = 0, .dropped = dropped_};
    }

    Host& host_;
    const OpenVpn config_;
    TunnelUser& user_;
    Endpoint remote_;
    Transport transport_ = Transport::Udp;
    std::uint64_t dropped_ = 0;
    bool silenced_ = false;  // the user is told nothing more
    bool connected_ = false;
    bool pumping_ = false;
    std::optional<Session> session_;
    std::optional<tunnel::OpenVpnStatus> last_;  // of a tunnel that has ended
    std::unique_ptr<UdpSocket> socket_;
    std::unique_ptr<tunnel::PacketStream> stream_;
    tunnel::KeyObserver keys_;
    Timer timer_;
    std::optional<Instant> armed_for_;
};

Result<Ipv4Address> OpenVpnTunnel::resolve(const std::string& host) const {
    if (auto address = parse_address(host)) return address;
    if (!config_.resolve) return fail(Fault::NotFound, "nobody resolves the name \"" + host + "\"");
    return config_.resolve(host);
}

Result<void> OpenVpnTunnel::prepare() {
    if (config_.profile.remotes.empty()) return fail(Fault::Refused, "the profile has no remote");
    auto options = profile::to_options(config_.profile, config_.policy);
    if (!options) return pass(options);
    transport_ = options->transport;
    if (config_.credentials) options->credentials = config_.credentials;
    auto session = Session::create(as(config_.personality, std::move(*options), config_.profile.remotes.front().host),
                                   host_.random());
    if (!session) return pass(session);
    session_.emplace(std::move(*session));
    return {};
}

void OpenVpnTunnel::dial() {
    stream_.reset();
    socket_.reset();
    session_.reset();
    last_.reset();
    timer_.reset();
    armed_for_.reset();
    dropped_ = 0;
    silenced_ = connected_ = false;
    if (const auto prepared = prepare(); !prepared) return fail_with("bad-profile", prepared.error().detail);
    const auto& remote = config_.profile.remotes.front();
    const auto address = resolve(remote.host);
    if (!address) return fail_with("no-such-host", address.error().detail);
    remote_ = {*address, remote.port};
    const auto local = host_.routes().source_for(*address);
    if (!local) return fail_with("no-route", local.error().detail);
    transport_ == Transport::Udp ? open_udp(*local) : open_tcp();
}

void OpenVpnTunnel::open_udp(Ipv4Address local) {
    auto socket = host_.open_udp({local, 0});
    if (!socket) return fail_with("no-socket", socket.error().detail);
    socket_ = std::move(*socket);
    socket_->on_datagram([this](Endpoint from, ByteView packet) {
        if (from == remote_) handle_packet(packet);
    });
    begin();
}

void OpenVpnTunnel::open_tcp() {
    auto stream = host_.connect_tcp(remote_);
    if (!stream) return fail_with("no-connection", stream.error().detail);
    constexpr std::size_t kLargest = 65535;  // a gateway that has not authenticated can have us hold one such packet
    stream_ = std::make_unique<tunnel::PacketStream>(
        std::move(*stream), tunnel::PacketStream::Limits{.largest_packet = kLargest},
        tunnel::PacketStream::Callbacks{.connected = [this] { begin(); },
                                        .received = [this](ByteView packet) { handle_packet(packet); },
                                        .closed = [this](const std::string& why) { handle_closed_connection(why); }});
}

void OpenVpnTunnel::begin() {
    if (!session_) return;
    connected_ = true;
    session_->start(host_.now());
    pump();
}

void OpenVpnTunnel::fail_with(const std::string& reason, const std::string& detail) {
    if (session_) last_ = snapshot();
    session_.reset();
    // The connection is given time to say its last words, but not from inside one of its own callbacks.
    timer_ = host_.call_at(host_.now() + (connected_ ? kLastWords : Duration::zero()), [this] {
        stream_.reset();
        socket_.reset();
    });
    armed_for_.reset();
    if (!std::exchange(silenced_, true)) user_.handle_down(reason, detail);
}

void OpenVpnTunnel::handle_packet(ByteView packet) {
    if (!session_) return;
    const auto head = openvpn::head_of(packet);
    if (head && openvpn::is_data(head->opcode)) {
        const auto inner = session_->open(host_.now(), packet);
        if (!inner.empty() && !silenced_) user_.handle_packet(inner);
    } else {
        session_->handle_packet(host_.now(), packet);
    }
    pump();
}

void OpenVpnTunnel::handle_closed_connection(const std::string& why) {
    if (!session_) return;
    if (!connected_) return fail_with("no-connection", why.empty() ? "the gateway closed it at once" : why);
    fail_with(std::string(name_of(openvpn::CloseReason::PeerExit)),
              why.empty() ? "the gateway closed the connection" : "the connection broke: " + why);
}

void OpenVpnTunnel::transmit(ByteView packet) {
    // No route, or no room: OpenVPN repeats what matters.
    if (socket_) (void)socket_->send(remote_, packet);
    if (stream_) stream_->send(packet);
}

// Acts on everything that the session has to say, which may end it.
void OpenVpnTunnel::pump() {
    if (std::exchange(pumping_, true)) return;
    while (session_) {
        const auto outputs = session_->drain();
        if (outputs.empty()) break;
        for (const auto& output : outputs) std::visit([this](const auto& what) { act(what); }, output);
    }
    pumping_ = false;
    arm();
}

// A deadline that moved away leaves the timer as it is: an early handle_timeout() is harmless.
void OpenVpnTunnel::arm() {
    const auto next = session_ ? session_->next_timeout() : std::nullopt;
    if (!next || (armed_for_ && *armed_for_ <= *next)) return;
    armed_for_ = next;
    timer_ = host_.call_at(*next, [this] {
        armed_for_.reset();
        if (session_) session_->handle_timeout(host_.now());
        pump();
    });
}

void OpenVpnTunnel::act(const Session::Opened& opened) {
    const auto& push = opened.pushed;
    if (silenced_) return;
    user_.handle_up({.gateway = remote_.address,
                     .address = push.address,
                     .dns = push.dns,
                     .destinations = destinations(push),
                     .mtu = push.tun_mtu.value_or(session_->options().tun_mtu)});
}

void OpenVpnTunnel::act(const Session::Renegotiated& renegotiated) {
    host_.emit(kComponent, {"renegotiated", {{"key_id", std::int64_t{renegotiated.key_id}}}});
}

void OpenVpnTunnel::act(const Session::Closed& closed) {
    if (stream_) stream_->close();
    fail_with(std::string(name_of(closed.reason)), closed.detail);
}

}  // namespace

std::unique_ptr<ClientTunnel> make_openvpn_tunnel(Host& host, OpenVpn config, TunnelUser& user) {
    return std::make_unique<OpenVpnTunnel>(host, std::move(config), user);
}

std::vector<Prefix> destinations(const openvpn::PushReply& push) {
    std::vector<Prefix> all;
    for (const auto& route : push.routes) all.push_back(route.destination);
    if (push.subnet) all.push_back(*push.subnet);
    if (push.redirect_gateway) {
        // As OpenVPN's own "def1": more specific than the host's default route, which stays (P2S-CR-05).
        all.emplace_back(Ipv4Address{0, 0, 0, 0}, std::uint8_t{1});
        all.emplace_back(Ipv4Address{128, 0, 0, 0}, std::uint8_t{1});
    }
    return merged(std::move(all));
}

}  // namespace gatelab::client
