#include "impl/client/sstp_tunnel.h"

#include <utility>

#include "impl/client/connection.h"
#include "impl/client/driver.h"
#include "impl/client/routes.h"
#include "impl/tunnel/byte_stream.h"

namespace gatelab::client {
namespace {

using sstp::Session;

constexpr const char* kComponent = "sstp";
constexpr Duration kLastWords = std::chrono::seconds(5);

class SstpTunnel final : public ClientTunnel {
public:
    SstpTunnel(Host& host, Sstp config, TunnelUser& user)
        : host_(host), config_(std::move(config)), user_(user), session_(host, Act{*this}) {}

    std::string protocol() const override { return "sstp"; }
    std::string gateway() const override { return to_string(config_.gateway); }

    void dial() override;
    void close() override {
        if (!session_) return;
        if (!stream_) return fail_with(std::string(name_of(sstp::CloseReason::Requested)), "");
        session_->close(host_.now());
        session_.pump();
    }
    void abandon() override {
        silenced_ = true;
        close();
    }

    void send(ByteView inner) override {
        if (!session_ || !stream_) return;
        if (!stream_->has_room()) return void(++dropped_);
        session_->seal(host_.now(), inner, [this](ByteView bytes) { transmit(bytes); });
    }
    void rekey_child() override {}
    void rekey_ike() override {}
    void check_liveness() override {
        if (!session_ || !stream_) return;
        session_->hello(host_.now());
        session_.pump();
    }

    tunnel::Status status() const override {
        if (session_) return snapshot();
        return last_ ? tunnel::Status{*last_} : tunnel::Status{};
    }
    void on_keys(tunnel::KeyObserver observer) override { keys_ = std::move(observer); }

private:
    // What the session says.
    struct Act {
        SstpTunnel& tunnel;
        template <class Output>
        void operator()(const Output& output) const {
            tunnel.act(output);
        }
    };

    Result<void> prepare();
    void take(std::unique_ptr<TcpStream>, ByteView rest);
    void fail_with(const std::string& reason, const std::string& detail);

    void handle_bytes(ByteView);
    void handle_closed_connection(const std::string& why);
    void transmit(ByteView bytes);
    void act(const Session::Send& send) { transmit(send.bytes); }
    void act(const Session::Opened&);
    void act(const Session::Secret& secret) {
        if (keys_.tls) keys_.tls(secret.line);
    }
    void act(const Session::Closed&);
    void act(const Trace& trace) { host_.emit(kComponent, trace); }
    template <class Other>
    void act(const Other&) {}  // a server's

    tunnel::SstpStatus snapshot() const {
        return {.session = session_->status(), .peer = remote_, .dropped = dropped_};
    }

    Host& host_;
    const Sstp config_;
    TunnelUser& user_;
    Endpoint remote_;  // of the connection: with a proxy, the proxy
    std::uint64_t dropped_ = 0;
    bool silenced_ = false;  // the user is told nothing more
    Driver<Session, Act> session_;
    std::optional<tunnel::SstpStatus> last_;  // of a tunnel that has ended
    std::optional<Connection> connection_;    // until the stream is ours
    std::unique_ptr<tunnel::ByteStream> stream_;
    tunnel::KeyObserver keys_;
    Timer linger_;
};

Result<void> SstpTunnel::prepare() {
    auto options = config_.session;
    options.role = sstp::Role::Client;
    auto session = Session::create(std::move(options), host_.random());
    if (!session) return pass(session);
    session_.run(std::move(*session));
    return {};
}

void SstpTunnel::dial() {
    connection_.reset();
    stream_.reset();
    session_.stop();
    last_.reset();
    linger_.reset();
    dropped_ = 0;
    silenced_ = false;
    remote_ = config_.proxy ? config_.proxy->address : config_.gateway;
    if (const auto prepared = prepare(); !prepared) return fail_with("bad-profile", prepared.error().detail);
    if (const auto local = host_.routes().source_for(remote_.address); !local)
        return fail_with("no-route", local.error().detail);
    connection_.emplace(
        host_, Connection::Gateway{config_.session.host, config_.gateway}, config_.proxy, config_.limits,
        Connection::Callbacks{
            .open = [this](std::unique_ptr<TcpStream> stream, const Bytes& rest) { take(std::move(stream), rest); },
            .failed = [this](const std::string& reason, const std::string& detail) { fail_with(reason, detail); }});
}

void SstpTunnel::take(std::unique_ptr<TcpStream> stream, ByteView rest) {
    if (!session_) return;
    stream_ = std::make_unique<tunnel::ByteStream>(
        std::move(stream), tunnel::ByteStream::Limits{},
        tunnel::ByteStream::Callbacks{.connected = {},
                                      .received = [this](ByteView bytes) { handle_bytes(bytes); },
                                      .closed = [this](const std::string& why) { handle_closed_connection(why); }});
    session_->start(host_.now());
    session_.pump();
    if (!rest.empty()) handle_bytes(rest);
}

void SstpTunnel::fail_with(const std::string& reason, const std::string& detail) {
    if (session_) last_ = snapshot();
    session_.stop();
    // The connection is given time to say its last words, but not from inside one of its own callbacks.
    linger_ = host_.call_at(host_.now() + (stream_ ? kLastWords : Duration::zero()), [this] {
        connection_.reset();
        stream_.reset();
    });
    if (!std::exchange(silenced_, true)) user_.handle_down(reason, detail);
}

void SstpTunnel::handle_bytes(ByteView bytes) {
    if (!session_) return;
    session_->handle_bytes(host_.now(), bytes, [this](ByteView inner) {
        if (!silenced_) user_.handle_packet(inner);
    });
    session_.pump();
}

void SstpTunnel::handle_closed_connection(const std::string& why) {
    if (!session_) return;
    session_->handle_closed(host_.now(), why);
    session_.pump();
}

// TLS bears no gap: a gateway that reads nothing for so long is given up.
void SstpTunnel::transmit(ByteView bytes) {
    if (stream_ && !stream_->send(bytes) && stream_->is_open()) stream_->fail("the gateway reads nothing");
}

void SstpTunnel::act(const Session::Opened& opened) {
    if (silenced_) return;
    const auto& agreed = opened.agreed;
    user_.handle_up({.gateway = remote_.address,
                     .address = agreed.address,
                     .dns = agreed.dns,
                     .destinations = config_.destinations.empty() ? std::vector{class_based_network(agreed.address)}
                                                                  : merged(config_.destinations),
                     .mtu = agreed.mtu});
}

void SstpTunnel::act(const Session::Closed& closed) {
    if (stream_) stream_->close();
    fail_with(std::string(name_of(closed.reason)), closed.detail);
}

}  // namespace

std::unique_ptr<ClientTunnel> make_sstp_tunnel(Host& host, Sstp config, TunnelUser& user) {
    return std::make_unique<SstpTunnel>(host, std::move(config), user);
}

}  // namespace gatelab::client
