// TCP connections of FakeHosts: whole and in order after the network's delay, or not at all.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "tests/support/fake_network.h"

namespace gatelab::testing {

class FakeTcp {
public:
    explicit FakeTcp(FakeNetwork& network) : network_(network) {}

    Result<std::unique_ptr<TcpListener>> listen(Endpoint local);
    std::unique_ptr<TcpStream> connect(Endpoint local, Endpoint remote);

    std::size_t window = 16 * 1024;  // octets under way in one direction, at most
    bool stalled = false;            // nobody reads: what is under way stays there
    Endpoint deaf;                   // who reads nothing

private:
    class Listener;
    class Stream;
    struct Pipe;
    struct Connection;
    FakeNetwork& network_;
    std::map<Endpoint, Listener*> listeners_;
};

}  // namespace gatelab::testing
