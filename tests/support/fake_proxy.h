// An HTTP proxy on a FakeHost: CONNECT, with or without a password.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "impl/http/connect.h"
#include "tests/support/fake_host.h"

namespace gatelab::testing {

class FakeProxy {
public:
    FakeProxy(FakeHost&, Endpoint at);

    std::optional<http::Credentials> wanted;   // asks for Basic authentication
    bool keeps_open = false;                   // after having asked for it
    bool mute = false;                         // accepts connections and says nothing
    int refusal = 0;                           // this status in place of a connection
    std::map<std::string, Ipv4Address> names;  // that it can resolve
    std::vector<std::string> asked;            // "203.0.113.1:443", each question

private:
    struct Pair {
        std::unique_ptr<TcpStream> inside, outside;
        http::HeadReader reader;
        bool open = false;
        Bytes early;  // that the far end said before the way was open
    };
    void accept(std::unique_ptr<TcpStream>);
    void take(Pair&, ByteView);
    void answer(Pair&, const http::Request&);
    Endpoint resolve(const std::string& target) const;
    void say(Pair&, int status, const std::string& fields);

    FakeHost& host_;
    std::unique_ptr<TcpListener> listener_;
    std::list<Pair> pairs_;
};

}  // namespace gatelab::testing
