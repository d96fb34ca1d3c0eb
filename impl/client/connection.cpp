#include "impl/client/connection.h"

#include <utility>

namespace gatelab::client {
namespace {

constexpr const char* kComponent = "client";
constexpr int kAuthenticationRequired = 407;

std::string target_of(const Connection::Gateway& gateway) {
    if (gateway.host.empty()) return to_string(gateway.address);
    return gateway.host + ':' + std::to_string(gateway.address.port);
}

std::optional<http::Connect> asked_of(const std::optional<HttpProxy>& proxy, const Connection::Gateway& gateway) {
    if (!proxy) return std::nullopt;
    return http::Connect{target_of(gateway), proxy->credentials};
}

}  // namespace

Connection::Connection(Host& host, Gateway gateway, std::optional<HttpProxy> proxy, ConnectLimits limits,
                       Callbacks callbacks)
    : host_(host),
      gateway_(std::move(gateway)),
      proxy_(std::move(proxy)),
      limits_(limits),
      began_(host.now()),
      callbacks_(std::move(callbacks)),
      connect_(asked_of(proxy_, gateway_)) {
    reach();
    if (state_ == State::Reaching) limit(limits_.tcp, "no-connection", proxy_ ? "the proxy" : "the gateway");
}

void Connection::reach() {
    state_ = State::Reaching;
    waiting_.clear();
    auto stream = host_.connect_tcp(remote());
    if (!stream) return fail_with("no-connection", stream.error().detail);
    stream_ = std::move(*stream);
    stream_->set_callbacks({.connected = [this] { handle_reached(); },
                            .received = [this](ByteView bytes) { handle_bytes(bytes); },
                            .writable = [this] { flush(); },
                            .closed = [this](const std::string& why) { handle_closed(why); }});
}

// A limit that has passed already ends it soon.
void Connection::limit(Duration since_begin, const char* reason, const std::string& whom) {
    limit_.reset();
    if (since_begin == Duration::zero()) return;
    limit_ =
        host_.call_at(began_ + since_begin,
                      [this, reason, text = whom + " gave no answer within " + format_seconds(since_begin) + " s"] {
                          fail_with(reason, text);
                      });
}

void Connection::handle_reached() {
    if (state_ != State::Reaching) return;
    if (!connect_) return open({});
    state_ = State::Asking;
    limit(limits_.proxy, "timed-out", "the proxy");
    connect_->start(host_.now());
    ask();
}

void Connection::handle_bytes(ByteView bytes) {
    if (state_ == State::Open) return append(rest_, bytes);
    if (state_ != State::Asking) return;
    connect_->handle_bytes(host_.now(), bytes);
    ask();
}

// Also when the way is open: the stream's new owner would not hear of it any more.
void Connection::handle_closed(const std::string& why) {
    if (state_ == State::Failed) return;
    if (state_ != State::Asking) return fail_with("no-connection", why.empty() ? "it was closed at once" : why);
    connect_->handle_closed(host_.now());
    ask();
}

// Acts on what the conversation with the proxy has come to.
void Connection::ask() {
    for (auto& output : connect_->drain()) {
        if (state_ != State::Asking) return;
        std::visit([this](auto& what) { act(what); }, output);
    }
}

void Connection::act(const http::Connect::Send& send) {
    append(waiting_, send.bytes);
    flush();
}

void Connection::flush() {
    if (!stream_ || waiting_.empty()) return;
    const auto taken = stream_->write(waiting_);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
}

void Connection::act(http::Connect::Open& opened) {
    host_.emit(kComponent, {"proxy-opened", {{"proxy", to_string(proxy_->address)}, {"gateway", target_of(gateway_)}}});
    open(std::move(opened.rest));
}

void Connection::act(const http::Connect::Reconnect&) {
    soon([this] { reach(); });
}

void Connection::act(const http::Connect::Refused& refused) {
    fail_with(refused.status == kAuthenticationRequired ? "proxy-authentication-required" : "proxy-refused",
              refused.detail);
}

// Soon, because this may be one of the stream's own calls.
void Connection::open(Bytes rest) {
    state_ = State::Open;
    limit_.reset();
    rest_ = std::move(rest);
    soon([this] {
        const auto callbacks = std::exchange(callbacks_, {});
        callbacks.open(std::move(stream_), std::move(rest_));
    });
}

void Connection::fail_with(std::string reason, std::string detail) {
    if (std::exchange(state_, State::Failed) == State::Failed) return;
    limit_.reset();
    soon([this, reason = std::move(reason), detail = std::move(detail)] {
        const auto callbacks = std::exchange(callbacks_, {});
        const auto why = reason, what = detail;  // this very function goes with the connection
        callbacks.failed(why, what);
    });
}

void Connection::soon(std::function<void()> call) { soon_ = host_.call_at(host_.now(), std::move(call)); }

}  // namespace gatelab::client
