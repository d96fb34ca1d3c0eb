// A TCP connection to a gateway: straight, or through an HTTP proxy.
//
//   Reaching --the gateway, or the proxy, is there--> Asking (a proxy only) --it has opened the way--> Open
//       |                                                |
//       +------------------------------------------------+--> Failed
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "impl/client/config.h"
#include "impl/host/host.h"
#include "impl/http/connect.h"

namespace gatelab::client {

class Connection {
public:
    // One of the two is called, once, from the clock and never from inside another call; it may destroy the connection.
    struct Callbacks {
        // The stream is the owner's from now on; `rest` is what came over it already.
        std::function<void(std::unique_ptr<TcpStream>, Bytes rest)> open;
        // "no-connection" (refused, no answer in time), "timed-out" (a proxy that does not come to an end),
        // "proxy-refused", "proxy-authentication-required" (also when it does not take our password).
        std::function<void(const std::string& reason, const std::string& detail)> failed;
    };

    struct Gateway {
        std::string host;    // as the user dials it: what a proxy is asked for. "" asks for the address
        Endpoint address{};  // unused with a proxy when there is a `host`, but for the port
    };

    // Begins at once; the host must outlive it. Aborts when destroyed.
    Connection(Host&, Gateway, std::optional<HttpProxy>, ConnectLimits, Callbacks);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Endpoint remote() const { return proxy_ ? proxy_->address : gateway_.address; }  // where our packets go

private:
    void reach();
    void handle_reached();
    void handle_bytes(ByteView);
    void handle_closed(const std::string& why);
    void ask();
    void flush();
    void act(const http::Connect::Send&);
    void act(http::Connect::Open&);
    void act(const http::Connect::Reconnect&);
    void act(const http::Connect::Refused&);
    void limit(Duration since_begin, const char* reason, const std::string& whom);
    void open(Bytes rest);
    void fail_with(std::string reason, std::string detail);
    void soon(std::function<void()>);

    Host& host_;
    const Gateway gateway_;
    const std::optional<HttpProxy> proxy_;
    const ConnectLimits limits_;
    const Instant began_;
    Callbacks callbacks_;
    std::optional<http::Connect> connect_;  // with a proxy
    enum class State { Reaching, Asking, Open, Failed } state_ = State::Reaching;
    std::unique_ptr<TcpStream> stream_;
    Bytes waiting_;  // of our question, what TCP has not taken yet
    Bytes rest_;     // that came once the way was open
    Timer soon_, limit_;
};

}  // namespace gatelab::client
