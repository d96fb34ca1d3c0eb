#include "impl/client/openvpn_tunnel.h"

#include <utility>

#include "impl/client/connection.h"
#include "impl/client/driver.h"
#include "impl/client/routes.h"
#include "impl/openvpn/session.h"
#include "impl/tunnel/packet_stream.h"

namespace gatelab::client {
namespace {

using openvpn::Session;
using openvpn::Transport;

constexpr const char* kComponent = "openvpn";
constexpr Duration kLastWords = std::chrono::seconds(5);

HttpProxy proxy_at(Endpoint address, const profile::HttpProxy& said) {
    HttpProxy proxy{.address = address, .credentials = {}};
    if (!said.username.empty()) proxy.credentials = http::Credentials{said.username, said.password};
    return proxy;
}

class OpenVpnTunnel final : public ClientTunnel {
public:
    OpenVpnTunnel(Host& host, OpenVpn config, TunnelUser& user)
        : host_(host), config_(std::move(config)), user_(user), session_(host, Act{*this}) {}

    std::string protocol() const override {
        const auto& remotes = config_.profile.remotes;
        const auto said = remotes.empty() ? std::nullopt : remotes.front().transport;
        const auto transport = said ? said : config_.profile.transport;
        return "openvpn-" + std::string(name_of(transport.value_or(Transport::Udp)));
    }
    std::string gateway() const override {
        if (!proxy_ && !remote_.address.is_unspecified()) return to_string(remote_);
        const auto& remotes = config_.profile.remotes;
        return remotes.empty() ? "" : remotes.front().host + ':' + std::to_string(remotes.front().port);
    }

    void dial() override;
    void close() override {
        if (!session_) return;
        session_->close(host_.now());
        session_.pump();
    }
    void abandon() override {
        silenced_ = true;
        close();
    }

    void send(ByteView inner) override {
        if (!session_) return;
        if (stream_ && !stream_->has_room()) return void(++dropped_);
        session_->seal(host_.now(), inner, [this](ByteView packet) { transmit(packet); });
        session_.pump();  // the packet may have been the last one of a key
    }
    void rekey_child() override {
        if (!session_) return;
        session_->renegotiate(host_.now());
        session_.pump();
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
    // What the session says.
    struct Act {
        OpenVpnTunnel& tunnel;
        template <class Output>
        void operator()(const Output& output) const {
            tunnel.act(output);
        }
    };

    Result<Ipv4Address> resolve(const std::string& host) const;
    Result<void> prepare();
    void open_udp();
    void open_tcp();
    void take(std::unique_ptr<TcpStream>, ByteView rest);
    void begin();
    void fail_with(const std::string& reason, const std::string& detail);

    void handle_packet(ByteView);
    void handle_closed_connection(const std::string& why);
    void transmit(ByteView packet);
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
    Endpoint remote_;                 // of the connection: with a proxy, the proxy
    std::optional<HttpProxy> proxy_;  // of this attempt
    Transport transport_ = Transport::Udp;
    std::uint64_t dropped_ = 0;
    bool silenced_ = false;  // the user is told nothing more
    bool connected_ = false;
    Driver<Session, Act> session_;
    std::optional<tunnel::OpenVpnStatus> last_;  // of a tunnel that has ended
    std::unique_ptr<UdpSocket> socket_;
    std::optional<Connection> connection_;  // until the stream is ours
    std::unique_ptr<tunnel::PacketStream> stream_;
    tunnel::KeyObserver keys_;
    Timer linger_;
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
    session_.run(std::move(*session));
    return {};
}

void OpenVpnTunnel::dial() {
    connection_.reset();
    stream_.reset();
    socket_.reset();
    session_.stop();
    last_.reset();
    linger_.reset();
    dropped_ = 0;
    silenced_ = connected_ = false;
    proxy_.reset();
    if (const auto prepared = prepare(); !prepared) return fail_with("bad-profile", prepared.error().detail);
    const auto& remote = config_.profile.remotes.front();
    // A proxy finds the gateway itself.
    const auto* proxy =
        transport_ == Transport::Tcp && config_.profile.http_proxy ? &*config_.profile.http_proxy : nullptr;
    const auto address = resolve(proxy ? proxy->host : remote.host);
    if (!address) return fail_with("no-such-host", address.error().detail);
    remote_ = {*address, proxy ? proxy->port : remote.port};
    if (proxy) proxy_ = proxy_at(remote_, *proxy);
    transport_ == Transport::Udp ? open_udp() : open_tcp();
}

void OpenVpnTunnel::open_udp() {
    const auto local = host_.routes().source_for(remote_.address);
    if (!local) return fail_with("no-route", local.error().detail);
    auto socket = host_.open_udp({*local, 0});
    if (!socket) return fail_with("no-socket", socket.error().detail);
    socket_ = std::move(*socket);
    socket_->on_datagram([this](Endpoint from, ByteView packet) {
        if (from == remote_) handle_packet(packet);
    });
    begin();
}

void OpenVpnTunnel::open_tcp() {
    if (const auto local = host_.routes().source_for(remote_.address); !local)
        return fail_with("no-route", local.error().detail);
    const auto& remote = config_.profile.remotes.front();
    connection_.emplace(
        host_, Connection::Gateway{remote.host, {remote_.address, remote.port}}, proxy_, config_.limits,
        Connection::Callbacks{
            .open = [this](std::unique_ptr<TcpStream> stream, const Bytes& rest) { take(std::move(stream), rest); },
            .failed = [this](const std::string& reason, const std::string& detail) { fail_with(reason, detail); }});
}

void OpenVpnTunnel::take(std::unique_ptr<TcpStream> stream, ByteView rest) {
    constexpr std::size_t kLargest = 65535;  // a gateway that has not authenticated can have us hold one such packet
    stream_ = std::make_unique<tunnel::PacketStream>(
        std::move(stream), tunnel::PacketStream::Limits{.largest_packet = kLargest},
        tunnel::PacketStream::Callbacks{.connected = {},
                                        .received = [this](ByteView packet) { handle_packet(packet); },
                                        .closed = [this](const std::string& why) { handle_closed_connection(why); }});
    begin();
    stream_->feed(rest);
}

void OpenVpnTunnel::begin() {
    if (!session_) return;
    connected_ = true;
    session_->start(host_.now());
    session_.pump();
}

void OpenVpnTunnel::fail_with(const std::string& reason, const std::string& detail) {
    if (session_) last_ = snapshot();
    session_.stop();
    // The connection is given time to say its last words, but not from inside one of its own callbacks.
    linger_ = host_.call_at(host_.now() + (connected_ ? kLastWords : Duration::zero()), [this] {
        connection_.reset();
        stream_.reset();
        socket_.reset();
    });
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
    session_.pump();
}

void OpenVpnTunnel::handle_closed_connection(const std::string& why) {
    if (!session_) return;
    fail_with(std::string(name_of(openvpn::CloseReason::PeerExit)),
              why.empty() ? "the gateway closed the connection" : "the connection broke: " + why);
}

void OpenVpnTunnel::transmit(ByteView packet) {
    // No route, or no room: OpenVPN repeats what matters.
    if (socket_) (void)socket_->send(remote_, packet);
    if (stream_) stream_->send(packet);
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
